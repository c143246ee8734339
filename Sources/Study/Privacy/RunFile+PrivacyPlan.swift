import Federation
import NNUNet
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a run's privacy will cost and do, as far as it can be told before it begins.
public struct RunPrivacyPlan: Sendable {
    /// What this machine cannot know, as people state it.
    public struct Stated: Sendable {
        /// Training records of every site.
        public var records: Int?
        /// Trained values.
        public var parameters: Int?

        public init(records: Int? = nil, parameters: Int? = nil) {
            (self.records, self.parameters) = (records, parameters)
        }
    }

    /// Sites with one plan stand together.
    public var plans: [(sites: [String], plan: PrivacyPlan)] = []

    /// - Parameters:
    ///   - folders: where datasets and plans are looked for.
    /// - Throws: `StudyError.setting`, with what to state.
    public init(_ run: RunFile, folders: DatasetFolders, stated: Stated) throws {
        guard let promise = run.privacy.differentialPrivacy else {
            throw StudyError.setting(
                "The run has no differential privacy: write privacy.differential_privacy, or there is nothing to plan.")
        }
        guard let parameters = try stated.parameters ?? Self.parameters(of: run, folders) else {
            throw StudyError.setting(
                "How many values are trained is not known before the datasets were planned here: give --parameters, such as "
                    + "31000000 for nnU-Net's usual 3D network.")
        }
        if promise.unit == .site {
            guard let names = try Self.sites(of: run, folders)?.map(\.name) ?? run.siteNames, !names.isEmpty else {
                throw StudyError.setting("How many sites there are is said by a table that cannot be read here.")
            }
            let taken = try run.strategy.select.choose(from: names, round: 1, seed: run.training.seed).count
            plans = [
                (
                    names,
                    try PrivacyPlan(
                        promise.siteLevel(of: run), sites: taken, rounds: run.updatesOfASite, parameters: parameters,
                        delta: promise.delta ?? 0, accountant: promise.accountant, source: promise.source,
                        isSummedInSecret: run.strategy.secureAggregation != .plain)
                )
            ]
            return
        }
        var sitesOfCount: [Int: [String]] = [:]
        if let records = stated.records {
            sitesOfCount[records] = run.siteNames ?? ["each site"]
        } else {
            guard let sites = try Self.sites(of: run, folders) else {
                throw StudyError.setting(
                    "How many records the sites have is not known here, since their datasets are elsewhere: give --records, "
                        + "the training records of a site.")
            }
            for site in sites { sitesOfCount[try site.records(promise.patients), default: []].append(site.name) }
        }
        plans = try sitesOfCount.sorted { $0.key < $1.key }.map { records, names in
            (
                names,
                try PrivacyPlan(
                    promise.recordLevel(of: run), records: records, rounds: run.updatesOfASite, parameters: parameters,
                    source: promise.source)
            )
        }
    }

    /// A site's training cases, and the folder with the table of its patients.
    private struct Member {
        var name: String
        var cases: [String]
        var folder: URL

        func records(_ column: String?) throws -> Int {
            guard let column else { return cases.count }
            return Set(try PatientTable.patients(of: cases, in: folder, column: column).values).count
        }
    }

    /// nil where a dataset is not on this machine.
    private static func sites(of run: RunFile, _ folders: DatasetFolders) throws -> [Member]? {
        func training(_ cases: [String], _ fold: Fold) throws -> [String] {
            fold == .all ? cases : try Splits(fiveFoldsOf: cases).split(fold, of: cases).train
        }
        if let split = run.split {
            guard let dataset = try? folders.datasetName(split.dataset) else { return nil }
            let folder = folders.raw.appending(path: dataset)
            let raw = try RawDataset(folder: folder)
            let divided = try DatasetSplit(
                of: raw.cases.map(\.identifier), split.makeRule(), heldOut: split.test, seed: split.seed)
            return try divided.sites.map {
                Member(name: $0.name, cases: try training($0.cases, split.fold), folder: folder)
            }
        }
        let sites = try run.sites.compactMap { site -> Member? in
            guard let dataset = try? folders.datasetName(site.dataset) else { return nil }
            let folder = folders.raw.appending(path: dataset)
            let raw = try RawDataset(folder: folder)
            return Member(name: site.name, cases: try training(raw.cases.map(\.identifier), site.fold), folder: folder)
        }
        return sites.count == run.sites.count ? sites : nil
    }

    /// Of the network, where a dataset of the run was planned here.
    private static func parameters(of run: RunFile, _ folders: DatasetFolders) throws -> Int? {
        let datasets = run.sites.map(\.dataset) + (run.split.map { ["\($0.firstID)", $0.dataset] } ?? [])
        for dataset in datasets {
            guard let name = try? folders.datasetName(dataset) else { continue }
            let file = folders.preprocessed.appending(path: name).appending(
                path: "\(run.plan.resolvedPlansName).json")
            guard FileManager.default.fileExists(atPath: file.path),
                let configuration = try Plans(contentsOf: file).configurations.first(where: {
                    $0.name == run.plan.configuration
                })
            else { continue }
            let description = try DatasetDescription(
                contentsOf: folders.raw.appending(path: name).appending(path: "dataset.json"))
            return configuration.architecture.parameterCount(
                inputChannels: description.channelNames.count, outputChannels: LabelManager(description).headCount)
        }
        return nil
    }
}

extension RunPrivacyPlan: CustomStringConvertible {
    public var description: String {
        plans.map { "\($0.sites.joined(separator: ", "))\n\($0.plan)" }.joined(separator: "\n\n")
    }
}
