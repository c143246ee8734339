#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How far a dataset is prepared: which plans there are, and which configurations of them hold cases.
public struct PreprocessedState: Sendable, Equatable {
    /// Names of plans, sorted.
    public let plans: [String]
    /// Such as "3d_fullres"; with the plans' name before it where there are several plans.
    public let configurations: [String]

    /// - Parameter folder: the dataset's in `nnUNet_preprocessed`, which may be absent.
    public init(_ folder: URL) {
        let files = FileManager.default
        let names = ((try? files.contentsOfDirectory(atPath: folder.path)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
        let plans = names.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.filter { name in
            (try? Plans(contentsOf: folder.appending(path: name + ".json"))) != nil
        }
        self.plans = plans
        configurations = names.compactMap { name in
            // The longest plans' name that fits: one may begin like another.
            let fitting = plans.filter { name.hasPrefix($0 + "_") }.max { $0.count < $1.count }
            guard let fitting, (try? PreprocessedFolder(folder.appending(path: name))) != nil else { return nil }
            return plans.count == 1 ? String(name.dropFirst(fitting.count + 1)) : name
        }
    }
}
