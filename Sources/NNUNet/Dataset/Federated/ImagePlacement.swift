import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How images of one raw dataset come into another.
public enum ImagePlacement: Sendable {
    /// As symbolic links, relative where both lie in one place; as copies where the disk knows no links.
    case link
    case copy

    /// Puts a file of a dataset under another name, and the spacing that nnU-Net keeps in a `.json` beside a TIFF.
    func place(_ file: URL, at target: URL) throws {
        let files = FileManager.default
        guard files.fileExists(atPath: file.path) else {
            throw NNUNetError.file(file.path, reason: "there is no such file")
        }
        // Their voxels lie in a second file that such a header names.
        guard ![".mhd", ".nhdr", ".hdr", ".img"].contains(where: file.lastPathComponent.lowercased().hasSuffix) else {
            throw NNUNetError.file(
                file.path, reason: "keeps its voxels in a second file. Convert the dataset to .nii.gz, .nrrd or .mha.")
        }
        try put(file, target)
        guard ["tif", "tiff"].contains(file.pathExtension.lowercased()) else { return }
        let (sidecar, place) = (TIFFSpacing.sidecar(file), TIFFSpacing.sidecar(target))
        if files.fileExists(atPath: sidecar.path), !files.fileExists(atPath: place.path) { try put(sidecar, place) }
    }

    private func put(_ file: URL, _ target: URL) throws {
        let files = FileManager.default
        let original = file.resolvingSymlinksInPath()
        if self == .link {
            let folder = target.deletingLastPathComponent().resolvingSymlinksInPath()
            let path = Self.relativePath(from: folder.pathComponents, to: original.pathComponents) ?? original.path
            if (try? files.createSymbolicLink(atPath: target.path, withDestinationPath: path)) != nil { return }
        }
        do { try files.copyItem(at: original, to: target) } catch {
            throw NNUNetError.file(
                target.path, reason: "cannot be written. Is the disk full, or the folder read-only?")
        }
    }

    /// Nil where nothing but the root is common.
    static func relativePath(from folder: [String], to file: [String]) -> String? {
        let common = zip(folder, file).prefix { $0 == $1 }.count
        guard common > 1 else { return nil }
        return (folder.dropFirst(common).map { _ in ".." } + file.dropFirst(common)).joined(separator: "/")
    }
}
