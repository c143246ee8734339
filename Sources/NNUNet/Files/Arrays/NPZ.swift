#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// NumPy's `.npz` files: named arrays in a zip. Each is read when it is asked for.
public struct NPZ: Sendable {
    private let archive: ZipArchive
    private let path: String
    /// In the file's order.
    public let names: [String]

    public init(contentsOf url: URL) throws {
        archive = try ZipArchive(contentsOf: url)
        path = url.path
        names = archive.entries.map { $0.name.hasSuffix(".npy") ? String($0.name.dropLast(4)) : $0.name }
    }

    /// The array of that name.
    /// - Throws: `FileError.unexpectedContent` where there is none.
    public func array(_ name: String) throws -> NumericArray {
        guard let entry = archive[name + ".npy"] ?? archive[name] else {
            throw FileError.unexpectedContent(
                file: path, fact: "it has no array \(name); it has \(names.joined(separator: ", "))")
        }
        return try NPY.array(of: try archive.read(entry), file: "\(path) (\(name))")
    }

    /// Writes arrays in this order, compressed as `np.savez_compressed` does or plain as `np.savez`.
    public static func write(_ arrays: [(name: String, array: NumericArray)], to url: URL, compressed: Bool = true)
        throws
    {
        let writer = try ZipWriter(url)
        for (name, array) in arrays {
            try writer.add(name + ".npy", try NPY.bytes(of: array), deflated: compressed)
        }
        try writer.finish()
    }
}
