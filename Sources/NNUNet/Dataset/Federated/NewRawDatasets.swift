#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Raw datasets that are made together, with consecutive numbers; none is there before all are whole.
public struct NewRawDatasets: Sendable {
    public let raw: URL
    public let names: [String]

    /// - Parameter titles: what follows the number, as in `Dataset301_Title`.
    /// - Throws: where a number is taken or beyond 999.
    public init(_ titles: [String], firstID: Int, in folders: DatasetFolders) throws {
        guard firstID >= 1, firstID + titles.count - 1 <= 999 else {
            throw NNUNetError.plan(
                "Datasets are numbered from 1 to 999; \(titles.count) do not fit from \(firstID) on. Give another first number."
            )
        }
        raw = folders.raw
        names = titles.enumerated().map { DatasetFolders.name(id: firstID + $0, title: $1) }
        let taken = folders.allNames().filter { name in
            (firstID..<firstID + titles.count).contains(DatasetFolders.id(of: name) ?? 0)
        }
        guard taken.isEmpty else {
            throw NNUNetError.plan(
                "\(DatasetComparison.list(taken.sorted())) \(taken.count == 1 ? "has its number" : "have their numbers") already. Delete \(taken.count == 1 ? "it" : "them"), or give another first number."
            )
        }
    }

    /// Fills the datasets under temporary names, one folder each, and gives them their own at the end.
    public func write(_ fill: ([URL]) throws -> Void) throws -> [URL] {
        let files = FileManager.default
        let partial = names.map { raw.appending(path: ".\($0).part") }
        let targets = names.map { raw.appending(path: $0) }
        func discard(_ urls: [URL]) { for url in urls { try? files.removeItem(at: url) } }
        discard(partial)
        var moved: [URL] = []
        do {
            for folder in partial { try files.createDirectory(at: folder, withIntermediateDirectories: true) }
            try fill(partial)
            for (folder, target) in zip(partial, targets) {
                try files.moveItem(at: folder, to: target)
                moved.append(target)
            }
        } catch {
            discard(partial + moved)
            if let error = error as? NNUNetError { throw error }
            throw NNUNetError.file(raw.path, reason: "\(error). Is the disk full, or the folder read-only?")
        }
        return targets
    }
}
