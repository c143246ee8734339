import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder of preprocessed cases, as nnU-Net or Cohort wrote it: `.b2nd` or `.npz`, with a `.pkl` each.
public struct PreprocessedFolder: Sendable {
    /// How the arrays of a case are stored: two `.b2nd` files, or one `.npz` as older nnU-Nets wrote it.
    public enum Form: String, Sendable, CaseIterable {
        case blosc2 = "b2nd"
        case npz
    }

    public let url: URL
    /// Sorted. A case counts only when its `.pkl` is there, which is written last.
    public let identifiers: [String]
    public let form: Form

    public init(_ url: URL) throws {
        self.url = url
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: url.path) else {
            throw NNUNetError.file(
                url.path, reason: "there is no such folder. Preprocess the dataset for this configuration first.")
        }
        let all = Set(names)
        let cases = names.filter { $0.hasSuffix(".pkl") }.map { String($0.dropLast(4)) }.sorted()
        let blosc2 = cases.filter { all.contains($0 + ".b2nd") && all.contains($0 + "_seg.b2nd") }
        let npz = cases.filter { all.contains($0 + ".npz") }
        guard blosc2.isEmpty || npz.isEmpty else {
            throw NNUNetError.file(
                url.path, reason: "holds both .b2nd and .npz files. Delete the folder and preprocess again.")
        }
        (identifiers, form) = npz.isEmpty ? (blosc2, .blosc2) : (npz, .npz)
        guard !identifiers.isEmpty else {
            throw NNUNetError.file(
                url.path, reason: "holds no preprocessed case. Preprocess the dataset for this configuration first.")
        }
    }

    private func file(_ identifier: String, _ ending: String) -> URL { url.appending(path: identifier + ending) }

    public func properties(_ identifier: String) throws -> CaseProperties {
        try CaseProperties(contentsOf: file(identifier, ".pkl"))
    }

    /// A case, whole.
    public func read(_ identifier: String) throws -> PreprocessedCase {
        switch form {
        case .blosc2:
            return PreprocessedCase(
                data: try Blosc2Array.read(file(identifier, ".b2nd")),
                segmentation: try Blosc2Array.read(file(identifier, "_seg.b2nd")),
                properties: try properties(identifier))
        case .npz:
            let archive = try NPZ(contentsOf: file(identifier, ".npz"))
            let (data, seg) = (try archive.array("data"), try archive.array("seg"))
            guard let values = data.doubles(), let labels = seg.integers(),
                labels.allSatisfy({ Int16(exactly: $0) != nil })
            else {
                throw NNUNetError.badCase(
                    identifier, reason: "its .npz holds something other than numbers. Preprocess it again.")
            }
            return PreprocessedCase(
                data: Volume(shape: data.shape, elements: values.map { Float($0) }),
                segmentation: Volume(shape: seg.shape, elements: labels.map { Int16($0) }),
                properties: try properties(identifier))
        }
    }

    /// The shape of a case's data, (channel, axes of the plan…).
    public func shape(_ identifier: String) throws -> [Int] {
        switch form {
        case .blosc2: try Blosc2Array.shape(of: file(identifier, ".b2nd"))
        case .npz: try NPZ(contentsOf: file(identifier, ".npz")).array("data").shape
        }
    }

    /// Bytes that a case takes in memory.
    public func byteCount(_ identifier: String) throws -> Int {
        let shape = try shape(identifier)
        return shape.reduce(4, *) + shape.dropFirst().reduce(2, *)
    }

    /// A box of a case, half-open along the axes of the plan; it must lie inside.
    public func read(_ identifier: String, box: [Range<Int>]) throws -> (
        data: Volume<Float>, segmentation: Volume<Int16>
    ) {
        switch form {
        case .blosc2:
            let channels = try Blosc2Array.shape(of: file(identifier, ".b2nd"))[0]
            return (
                try Blosc2Array.read(file(identifier, ".b2nd"), box: [0..<channels] + box),
                try Blosc2Array.read(file(identifier, "_seg.b2nd"), box: [0..<1] + box)
            )
        case .npz:
            let whole = try read(identifier)
            guard let segmentation = whole.segmentation else {
                throw NNUNetError.badCase(identifier, reason: "it has no label")
            }
            return (
                whole.data.cropped(to: [0..<whole.data.shape[0]] + box), segmentation.cropped(to: [0..<1] + box)
            )
        }
    }

    /// Writes a case, its `.pkl` last.
    static func write(
        _ preprocessed: PreprocessedCase, _ identifier: String, form: Form, patch: [Int], in folder: URL
    ) throws {
        switch form {
        case .blosc2:
            try Blosc2Array.write(preprocessed.data, patch: patch, to: folder.appending(path: identifier + ".b2nd"))
            if let segmentation = preprocessed.segmentation {
                try Blosc2Array.write(segmentation, patch: patch, to: folder.appending(path: identifier + "_seg.b2nd"))
            }
        case .npz:
            var arrays = [("data", NumericArray(preprocessed.data.elements, shape: preprocessed.data.shape))]
            if let segmentation = preprocessed.segmentation {
                arrays.append(("seg", NumericArray(segmentation.elements, shape: segmentation.shape)))
            }
            try NPZ.write(arrays, to: folder.appending(path: identifier + ".npz"))
        }
        try preprocessed.properties.write(to: folder.appending(path: identifier + ".pkl"))
    }
}
