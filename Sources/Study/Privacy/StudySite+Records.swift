import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension StudySite {
    /// Whose each training case is, by a column of its dataset's table.
    ///
    /// - Throws: `NNUNetError` where there is no such table or column, or a training case is not in it.
    public func recordOfCase(column: String) throws -> [String: String] {
        try PatientTable.patients(
            of: trainingCases, in: folders.raw.appending(path: dataset), column: column)
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
