import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension StudySite {
    /// Whose each training case is, by a column of `patients.csv` or `patients.tsv` in the dataset's folder.
    ///
    /// - Throws: `NNUNetError` where there is no such table or column, or a training case is not in it.
    public func recordOfCase(column: String) throws -> [String: String] {
        let folder = folders.raw.appending(path: dataset)
        let file = ["patients.csv", "patients.tsv"].map { folder.appending(path: $0) }
            .first { FileManager.default.fileExists(atPath: $0.path) }
        guard let file else {
            throw NNUNetError.dataset(
                dataset,
                facts: [
                    "it has no patients.csv, by which cases of one patient are one record (columns case, \(column))"
                ])
        }
        let patients = try CaseTable(contentsOf: file, column: column).values()
        let cases = try trainingCases
        let unknown = cases.count { patients[$0] == nil }
        guard unknown == 0 else {
            throw NNUNetError.dataset(
                dataset, facts: ["\(unknown) of its training cases have no \(column) in \(file.lastPathComponent)"])
        }
        let wanted = Set(cases)
        return patients.filter { wanted.contains($0.key) }
    }

    /// Cases that the fold trains on; also before preparation, when nothing was divided yet.
    public var trainingCases: [String] {
        get throws {
            let raw = try RawDataset(folder: folders.raw.appending(path: dataset))
            let names = raw.cases.map(\.identifier)
            let file = folders.preprocessed.appending(path: dataset).appending(path: "splits_final.json")
            if fold == .all || FileManager.default.fileExists(atPath: file.path) { return try split(of: raw).train }
            return try Splits(fiveFoldsOf: names).split(fold, of: names).train
        }
    }
}
