#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension DatasetFolders {
    /// The number in `Dataset004_Hippocampus`; nil where a name has none.
    public static func id(of name: String) -> Int? {
        guard name.hasPrefix("Dataset"), name.isFileName, let end = name.firstIndex(of: "_") else { return nil }
        let digits = name[..<end].dropFirst("Dataset".count)
        return digits.count >= 3 ? Int(digits) : nil
    }

    /// What follows the number.
    public static func title(of name: String) -> String {
        guard id(of: name) != nil, let end = name.firstIndex(of: "_") else { return name }
        return String(name[name.index(after: end)...])
    }

    /// Such as `Dataset004_Hippocampus`.
    public static func name(id: Int, title: String) -> String { "Dataset\(padded(id))_\(title)" }

    /// The raw datasets, sorted by number.
    public func rawNames() throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: raw.path) else {
            throw NNUNetError.file(
                raw.path,
                reason:
                    "there is no such folder. Set nnUNet_raw to where your datasets are, or make one: cohort phantom")
        }
        return names.filter { Self.id(of: $0) != nil }.sorted { (Self.id(of: $0)!, $0) < (Self.id(of: $1)!, $1) }
    }

    /// Every dataset that is raw, preprocessed or has results.
    func allNames() -> Set<String> {
        Set([raw, preprocessed, results].flatMap { Self.folders(in: $0) }.filter { Self.id(of: $0) != nil })
    }

    static func padded(_ id: Int) -> String { String(repeating: "0", count: max(0, 3 - String(id).count)) + String(id) }

    static func folders(in url: URL) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    }
}
