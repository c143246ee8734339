import Imaging
import NNUNet

/// The cases of a fold for training: in memory where they fit, read patch by patch where not.
struct CaseCache {
    private let folder: PreprocessedFolder
    private let identifiers: [String]

    init(_ folder: PreprocessedFolder, identifiers: [String]) {
        self.folder = folder
        self.identifiers = identifiers
    }

    /// One source per case, in order.
    ///
    /// - Parameter memory: bytes that cases may take; those that come too late stay on disk.
    func sources(memory: Int = 4 << 30) throws -> [any PatchSource] {
        var left = memory
        return try identifiers.map { identifier in
            let size = try folder.byteCount(identifier)
            guard size <= left else { return try DiskPatchSource(folder, identifier: identifier) }
            left -= size
            return try InMemoryPatchSource(identifier: identifier, case: folder.read(identifier))
        }
    }
}

/// A case that stays on disk: every patch is decompressed when it is asked for.
struct DiskPatchSource: PatchSource {
    let identifier: String
    let channels: Int
    let shape: [Int]
    let classLocations: [ClassLocations]
    private let folder: PreprocessedFolder

    init(_ folder: PreprocessedFolder, identifier: String) throws {
        self.folder = folder
        self.identifier = identifier
        let shape = try folder.shape(identifier)
        channels = shape[0]
        self.shape = Array(shape.dropFirst())
        classLocations = try folder.properties(identifier).classLocations
    }

    func read(_ box: [Range<Int>], image: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<Int16>) throws {
        let (data, seg) = try folder.read(identifier, box: box)
        data.elements.withUnsafeBufferPointer { image.update(from: $0.baseAddress!, count: $0.count) }
        seg.elements.withUnsafeBufferPointer { labels.update(from: $0.baseAddress!, count: $0.count) }
    }
}
