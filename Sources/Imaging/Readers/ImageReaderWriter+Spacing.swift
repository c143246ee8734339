#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ImageReaderWriter {
    /// The spacing that ``readImages(_:)`` would give, from the file's header alone where its format has it at the
    /// beginning; millimetres along (z, y, x), but for readers that turn axes, in the file's order.
    ///
    /// - Throws: where the file cannot be read.
    public func spacing(of file: URL) throws -> [Double] {
        let stored: [Double]?
        switch self {
        case .naturalImage2D: return [999, 1, 1]
        case .tiff3D: return try TIFFSpacing.read(besides: file) ?? [1, 1, 1]
        case .simpleITK, .simpleITKReoriented, .nibabel, .nibabelReoriented:
            stored = try StoredImage.spacing(of: file)
        }
        guard let stored, (2...4).contains(stored.count), stored.allSatisfy({ $0.isFinite && $0 != 0 }) else {
            return try readImages([file]).spacing
        }
        let between = stored.prefix(3).reversed().map(abs)
        // A flat image has one slice of 999 times its spacing.
        return between.count == 2 ? [999 * between.max()!] + between : between
    }
}

extension StoredImage {
    /// Fastest axis first; nil where only the whole file tells.
    fileprivate static func spacing(of file: URL) throws -> [Double]? {
        let name = file.lastPathComponent.lowercased()
        if [".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz"].contains(where: name.hasSuffix) {
            return try NIfTI.spacing(file)
        }
        if name.hasSuffix(".mha") || name.hasSuffix(".mhd") { return try MetaImage.spacing(file) }
        if name.hasSuffix(".nrrd") || name.hasSuffix(".nhdr") { return try NRRD.spacing(file) }
        return nil
    }
}
