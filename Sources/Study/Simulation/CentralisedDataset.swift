import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The preprocessed cases of all sites as one dataset, for the training that a federation is compared with.
///
/// Cases are links under names that begin with their site's; a fold's training cases are those of all sites together, and so
/// are its validation cases.
struct CentralisedDataset {
    static let name = "Dataset999_Centralised"

    /// How many cases all sites have.
    let cases: Int

    /// - Parameter sites: prepared by one plan.
    init(_ sites: [StudySite], in preprocessed: URL) throws {
        let folder = preprocessed.appending(path: Self.name)
        let files = FileManager.default
        try? files.removeItem(at: folder)
        let first = sites[0]
        let source = first.folders.preprocessed.appending(path: first.dataset)
        let plansFile = first.plan.resolvedPlansName + ".json"
        var plans = try Plans(contentsOf: source.appending(path: plansFile)).json
        plans["dataset_name"] = .string(Self.name)
        let identifier = try Plans(json: plans).configuration(first.plan.configuration).dataIdentifier
        let data = folder.appending(path: identifier)
        let truth = folder.appending(path: "gt_segmentations")
        for target in [data, truth] { try files.createDirectory(at: target, withIntermediateDirectories: true) }

        var folds: [Split] = []
        var cases = 0
        for site in sites {
            let own = site.folders.preprocessed.appending(path: site.dataset)
            func link(_ part: String, to target: URL) throws -> Int {
                let names = try files.contentsOfDirectory(atPath: own.appending(path: part).path)
                for name in names where !name.hasPrefix(".") {
                    try files.createSymbolicLink(
                        atPath: target.appending(path: Self.name(name, site)).path,
                        withDestinationPath: own.appending(path: part).appending(path: name).standardizedFileURL.path)
                }
                return names.count { $0.hasSuffix(".pkl") }
            }
            cases += try link(identifier, to: data)
            _ = try link("gt_segmentations", to: truth)
            let splits = try Splits(contentsOf: own.appending(path: "splits_final.json"))
            while folds.count < splits.folds.count { folds.append(Split(train: [], validation: [])) }
            for (index, split) in splits.folds.enumerated() {
                folds[index].train += split.train.map { Self.name($0, site) }
                folds[index].validation += split.validation.map { Self.name($0, site) }
            }
        }
        self.cases = cases
        try JSONValue.object(plans).write(to: folder.appending(path: plansFile))
        var dataset = try DatasetDescription(contentsOf: source.appending(path: "dataset.json")).json
        dataset["numTraining"] = .integer(cases)
        try JSONValue.object(dataset).write(to: folder.appending(path: "dataset.json"))
        try DatasetFingerprint(contentsOf: source.appending(path: "dataset_fingerprint.json")).write(
            to: folder.appending(path: "dataset_fingerprint.json"))
        try Splits(folds: folds).write(to: folder.appending(path: "splits_final.json"))
    }

    /// A case's name, or a file's, among those of all sites.
    static func name(_ name: String, _ site: StudySite) -> String { "\(site.dataset)__\(name)" }
}
