#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Whose each case of a dataset is: `patients.csv` or `patients.tsv` in its folder, with columns `case` and one that is named.
public enum PatientTable {
    /// Where a dataset has one.
    public static func file(in dataset: URL) -> URL? {
        ["patients.csv", "patients.tsv"].map { dataset.appending(path: $0) }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// The patient of every one of some cases.
    ///
    /// - Throws: `NNUNetError` where there is no such table or column, or a case is not in it: whose it is would be a guess.
    public static func patients(of cases: [String], in dataset: URL, column: String) throws -> [String: String] {
        guard let file = file(in: dataset) else {
            throw NNUNetError.dataset(
                dataset.lastPathComponent,
                facts: [
                    "it has no patients.csv, by which cases of one patient are one record (columns case, \(column))"
                ])
        }
        let patients = try CaseTable(contentsOf: file, column: column).values()
        let found = cases.compactMap { name in patients[name].map { (name, $0) } }
        guard found.count == cases.count else {
            throw NNUNetError.dataset(
                dataset.lastPathComponent,
                facts: [
                    "\(cases.count - found.count) of its training cases have no \(column) in \(file.lastPathComponent)"
                ])
        }
        return Dictionary(found, uniquingKeysWith: { a, _ in a })
    }

    /// Gives a part of a dataset the rows of its own cases, where the whole has a table.
    static func copy(from dataset: URL, of cases: [String], to part: URL) throws {
        guard let file = file(in: dataset) else { return }
        guard let text = String(validating: try Data(contentsOf: file), as: UTF8.self) else {
            throw NNUNetError.file(file.path, reason: "it is not text in UTF-8")
        }
        let kept = try CaseTable.text(text, keeping: Set(cases), file: file.lastPathComponent)
        try Data(kept.utf8).write(to: part.appending(path: file.lastPathComponent))
    }
}
