import Federation
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server's half of an nnU-Net federation's rounds before the first: fingerprint (−2), then one plan for all and
/// preprocessing (−1).
///
/// Geometry is merged over all sites, intensities by modality and channel name. Sites with other channels or labels get
/// plans of the same network; what differs in them is the dataset's name, its reader, and the channels' intensities and
/// normalisation.
public struct NNUNetPreparation: Preparation {
    public struct Order: Sendable, Equatable {
        public var planning = PlanningOrder()
        /// nil: every site plans for itself.
        public var fingerprint: FingerprintRule? = .exact
        /// By site: its plan resamples to this spacing (z, y, x) instead of the common one.
        public var targetSpacings: [String: [Double]] = [:]
        /// Sites that can be asked nothing: nodes of Flower's. They train what the others have planned.
        public var leftAlone: Set<String> = []
        /// Stop before planning: only the fingerprint is merged.
        public var stopsAfterFingerprint = false

        public init() {}

        /// The same text for the same order, in every process.
        var identity: String {
            let spacings = targetSpacings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            return "\(planning) \(fingerprint.map { $0.rawValue } ?? "none") \(spacings) \(stopsAfterFingerprint)"
        }
    }

    private enum Stage {
        case begin, datasets
        case fingerprint(FingerprintMerge)
        case preparing, done
    }

    public let order: Order
    /// Where `PreparedSites` is written when all is done.
    public let record: URL
    private var stage = Stage.begin
    private var prepared = PreparedSites()

    public init(_ order: Order, record: URL) {
        self.order = order
        self.record = record
    }

    public var name: String {
        switch stage {
        case .begin, .datasets, .fingerprint: "fingerprint"
        case .preparing, .done: "plan and preprocess"
        }
    }

    public var round: Int {
        switch stage {
        case .begin, .datasets, .fingerprint: -2
        case .preparing, .done: -1
        }
    }

    public mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]? {
        let sites = sites.filter { !order.leftAlone.contains($0) }
        switch stage {
        case .begin:
            stage = .datasets
            return try ask(.dataset, sites)
        case .datasets:
            for (site, answer) in try decoded(answers) {
                // Its name becomes a folder here.
                guard case .dataset(let facts) = answer, facts.name.isFileName else { throw Self.wrongAnswer(site) }
                prepared.sites[site] = PreparedSites.Site(facts: facts, plans: "", fingerprint: nil)
            }
            guard let rule = order.fingerprint else {
                stage = .preparing
                return try Dictionary(
                    uniqueKeysWithValues: sites.map { site in
                        var planning = order.planning
                        planning.targetSpacing = order.targetSpacings[site] ?? planning.targetSpacing
                        return (site, try JSONEncoder().encode(NNUNetQuestion.prepareAlone(planning)))
                    })
            }
            let merge = FingerprintMerge(rule)
            stage = .fingerprint(merge)
            return try ask(.fingerprint(merge.question!), sites)
        case .fingerprint(var merge):
            let found = try decoded(answers).mapValues { answer in
                guard case .fingerprint(let fingerprint) = answer else { throw Self.wrongAnswer("a site") }
                return fingerprint
            }
            if let question = try merge.next(found) {
                stage = .fingerprint(merge)
                return try ask(.fingerprint(question), sites)
            }
            try plan(merge)
            stage = .preparing
            if order.stopsAfterFingerprint {
                return try Dictionary(
                    uniqueKeysWithValues: sites.map { site in
                        let fingerprint = prepared.sites[site]?.fingerprint ?? ""
                        return (site, try JSONEncoder().encode(NNUNetQuestion.keep(fingerprint: fingerprint)))
                    })
            }
            return try Dictionary(
                uniqueKeysWithValues: sites.map { site in
                    let own = prepared.sites[site]!
                    return (
                        site,
                        try JSONEncoder().encode(
                            NNUNetQuestion.prepare(
                                fingerprint: own.fingerprint ?? "", plans: own.plans,
                                configuration: order.planning.configuration))
                    )
                })
        case .preparing:
            for (site, answer) in try decoded(answers) {
                guard case .prepared(let plans) = answer else { throw Self.wrongAnswer(site) }
                // Only where each site plans for itself: else the plan is the server's.
                if order.fingerprint == nil { prepared.sites[site]?.plans = plans }
            }
            return try finish()
        case .done: return nil
        }
    }

    private mutating func finish() throws -> [String: Data]? {
        try prepared.write(to: record)
        stage = .done
        return nil
    }

    /// One network for all: planned as if every site had the labels of the one that has most.
    private mutating func plan(_ merge: FingerprintMerge) throws {
        let descriptions = try prepared.sites.mapValues { try $0.facts.datasetDescription() }
        let order = order.planning
        for (site, facts) in prepared.sites.mapValues(\.facts) {
            guard var description = descriptions[site] else { continue }
            description.numTraining = merge.cases
            let fingerprint = try merge.fingerprint(ofSite: site)
            var planner = try ExperimentPlanner(
                PlannerPreset(name: order.planner), memoryTarget: order.memoryTarget,
                targetSpacing: order.targetSpacing, plansName: order.plansName)
            planner.outputEntries = descriptions.values.map(\.outputEntries).max()
            guard let reader = ImageReaderWriter(rawValue: facts.imageReaderWriter) else {
                throw NNUNetError.site(site, reason: "its reader \(facts.imageReaderWriter) is unknown here.")
            }
            var plans = try planner.plan(
                description, fingerprint: fingerprint, datasetName: facts.name, imageReaderWriter: reader)
            if let spacing = self.order.targetSpacings[site] { plans = try plans.resampling(to: spacing) }
            prepared.sites[site]?.fingerprint = fingerprint.json.serialised(sortKeys: true)
            prepared.sites[site]?.plans = JSONValue.object(plans.json).serialised()
        }
    }

    private func ask(_ question: NNUNetQuestion, _ sites: [String]) throws -> [String: Data] {
        let payload = try JSONEncoder().encode(question)
        return Dictionary(uniqueKeysWithValues: sites.map { ($0, payload) })
    }

    private func decoded(_ answers: [String: Data]) throws -> [String: NNUNetAnswer] {
        try Dictionary(
            uniqueKeysWithValues: answers.map { site, data in
                guard let answer = try? JSONDecoder().decode(NNUNetAnswer.self, from: data) else {
                    throw Self.wrongAnswer(site)
                }
                return (site, answer)
            })
    }

    private static func wrongAnswer(_ site: String) -> NNUNetError {
        .site(site, reason: "its answer is not one to the question it was asked.")
    }
}
