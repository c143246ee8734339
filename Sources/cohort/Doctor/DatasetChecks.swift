import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A dataset of this site, before a run asks for it. No case is named.
struct DatasetChecks {
    let name: String
    let policy: SitePolicy?
    let folders: DatasetFolders
    let threads: Int
    /// Whether images are left unread.
    let isQuick: Bool

    func run(_ checkup: inout Checkup) async {
        var found: RawDataset?
        await checkup.check("dataset") {
            let dataset = try RawDataset(folder: folders.raw.appending(path: name))
            found = dataset
            return try integrity(dataset)
        }
        guard let dataset = found else { return checkup.note("fingerprint", .skip("there is no dataset")) }
        await checkup.check("fingerprint") { try fingerprint(dataset) }
    }

    private func integrity(_ dataset: RawDataset) throws -> Finding.Result {
        let check = IntegrityCheck(dataset)
        var warnings = 0
        do {
            try check.runQuickly()
            if !isQuick {
                let progress = Progress(name, count: dataset.cases.count)
                warnings = try check.run(threads: threads) { progress.show($0) }.count
            }
        } catch NNUNetError.dataset(_, let faults) {
            let list = "cohort datasets validate \(name)\(isQuick ? "" : " --full")"
            return .fail(
                "\(name) has \(faults.count) fault\(faults.count == 1 ? "" : "s"). They are listed by: \(list)")
        }
        let text = "\(name): \(dataset.cases.count) cases" + (isQuick ? ", their files not read" : ", all read")
        if let datasets = policy?.datasets, !datasets.contains(name) {
            return .fail("\(text), but the policy does not list it. Add it to datasets")
        }
        if let fewest = policy?.fewestCases, dataset.cases.count < fewest {
            return .fail("\(text), but the policy asks for \(fewest). Lower fewest_cases, or add cases")
        }
        return warnings == 0
            ? .pass(text)
            : .warn("\(text); \(warnings) warnings. They are listed by: cohort datasets validate \(name) --full")
    }

    private func fingerprint(_ dataset: RawDataset) throws -> Finding.Result {
        let file = folders.preprocessed.appending(path: name).appending(path: "dataset_fingerprint.json")
        guard FileManager.default.fileExists(atPath: file.path) else {
            return .skip("there is none yet; the first run makes it")
        }
        let fingerprint = try DatasetFingerprint(contentsOf: file)
        let channels = dataset.description.channelNames.count
        guard fingerprint.foregroundIntensities.count == channels else {
            return .fail(
                "It has \(fingerprint.foregroundIntensities.count) channels, and the dataset \(channels). \(again)")
        }
        // After a federated run it is the merged one, of all sites.
        guard fingerprint.spacings.count >= dataset.cases.count else {
            return .warn("It knows \(fingerprint.spacings.count) cases of \(dataset.cases.count). \(again)")
        }
        return .pass("of \(fingerprint.spacings.count) cases, \(channels) channel\(channels == 1 ? "" : "s")")
    }

    private var again: String { "Make it anew: cohort extract-fingerprint -d \(name) --clean" }
}
