import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A site's half of the rounds before the first: what the dataset is like, its fingerprint, planning and preprocessing.
struct SitePreparation: Sendable {
    let site: NNUNetSite
    private var fingerprint: LocalFingerprint?

    init(_ site: NNUNetSite) { self.site = site }

    /// Fingerprint and plans that the site was prepared by, beside its results.
    private var record: URL {
        site.folders.results.appending(path: site.dataset).appending(path: "prepared_by.json")
    }

    /// Prepares again what the last run was prepared by: another run may have written other cases in its place since.
    mutating func renew() throws {
        guard let question = try? JSONDecoder().decode(NNUNetQuestion.self, from: Data(contentsOf: record)) else {
            return
        }
        _ = try answer(question)
    }

    mutating func answer(_ question: NNUNetQuestion) throws -> NNUNetAnswer {
        switch question {
        case .dataset: return .dataset(try DatasetFacts(name: site.dataset, modality: site.modality, dataset: raw()))
        case .fingerprint(let question):
            let local =
                try fingerprint
                ?? LocalFingerprint(
                    raw(), modality: site.modality, smallestNumberOfCases: site.smallestNumberOfCases,
                    threads: site.threads)
            fingerprint = local
            return .fingerprint(try local.answer(question))
        case .keep(let fingerprint):
            let folder = site.folders.preprocessed.appending(path: site.dataset)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try JSONValue(parsing: Array(fingerprint.utf8), file: "the server's fingerprint")
                .write(to: folder.appending(path: "dataset_fingerprint.json"), sortKeys: true)
            return .prepared(plans: "")
        case .prepare(let fingerprint, let plans, let configuration):
            guard case .object(let json) = try JSONValue(parsing: Array(plans.utf8), file: "the server's plans") else {
                throw NNUNetError.plan("The server's plans are no JSON object.")
            }
            let text = try JSONValue(parsing: Array(fingerprint.utf8), file: "the server's fingerprint")
            return try prepare(
                plans: Plans(json: json, file: "the server's plans"), configuration: configuration,
                fingerprint: text)
        case .prepareAlone(let order):
            let raw = try raw()
            guard raw.cases.count >= site.smallestNumberOfCases else {
                throw NNUNetError.plan(
                    "This site sends no plans: it has fewer than the \(site.smallestNumberOfCases) cases that its policy asks for."
                )
            }
            let fingerprint = try FingerprintExtractor(raw).run(threads: site.threads)
            let planner = try ExperimentPlanner(
                PlannerPreset(name: order.planner), memoryTarget: order.memoryTarget,
                targetSpacing: site.targetSpacing ?? order.targetSpacing, plansName: order.plansName)
            let plans = try planner.plan(
                raw.description, fingerprint: fingerprint, datasetName: site.dataset,
                imageReaderWriter: raw.imageReaderWriter())
            return try prepare(plans: plans, configuration: order.configuration, fingerprint: fingerprint.json)
        }
    }

    private func raw() throws -> RawDataset {
        try RawDataset(folder: site.folders.raw.appending(path: site.dataset), without: site.blockedFields)
    }

    /// Writes fingerprint and plans where nnU-Net has them, and preprocesses; not again where that was done by equal plans.
    private func prepare(plans: Plans, configuration name: String, fingerprint: JSONValue) throws -> NNUNetAnswer {
        let folder = site.folders.preprocessed.appending(path: site.dataset)
        let files = FileManager.default
        let plansFile = folder.appending(path: plans.plansName + ".json")
        let configuration = try plans.configuration(name)
        let answer = NNUNetAnswer.prepared(plans: JSONValue.object(plans.json).serialised())
        let done = folder.appending(path: configuration.dataIdentifier)
        func keepRecord() throws {
            let question = NNUNetQuestion.prepare(
                fingerprint: fingerprint.serialised(), plans: JSONValue.object(plans.json).serialised(),
                configuration: name)
            try files.createDirectory(at: record.deletingLastPathComponent(), withIntermediateDirectories: true)
            try JSONEncoder().encode(question).write(to: record, options: .atomic)
        }
        if let before = try? Plans(contentsOf: plansFile), before.json == plans.json,
            files.fileExists(atPath: done.path)
        {
            // What an earlier run left there may have fields that this one must not see.
            if !site.blockedFields.isEmpty {
                try JSONValue.object(raw().description.json).write(to: folder.appending(path: "dataset.json"))
            }
            try keepRecord()
            return answer
        }
        let raw = try raw()
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        // Plans tell which preprocessed cases are meant: they are written when these are there.
        try? files.removeItem(at: plansFile)
        try DatasetPreprocessor(raw, plans: plans, configuration: configuration, folder: folder)
            .run(threads: site.threads)
        try fingerprint.write(to: folder.appending(path: "dataset_fingerprint.json"), sortKeys: true)
        try JSONValue.object(raw.description.json).write(to: folder.appending(path: "dataset.json"))
        try plans.write(to: plansFile)
        try keepRecord()
        return answer
    }
}
