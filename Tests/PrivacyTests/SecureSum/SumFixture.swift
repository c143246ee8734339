import Crypto
import Federation
import FederationTesting

import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A secure sum whose messages a test carries by hand, and can lose, repeat and change.
struct SumFixture {
    let sites: [String]
    let settings: SecureSumSettings
    private(set) var filter: SecureSum
    /// With which sites sign.
    let keys: [String: Curve25519.Signing.PrivateKey]
    let plan: SharingPlan
    var weights: [String: Double]
    var round = 1

    static let tensors = [TensorDescription(name: "a", shape: [40, 5]), TensorDescription(name: "b", shape: [3])]

    init(
        _ count: Int = 5, _ form: SecureSumSettings.Form = .masks, threshold: Double = 0.5, neighbours: Int = 100,
        settings: SecureSumSettings? = nil, descriptions: [SiteDescription]? = nil
    ) throws {
        sites = (0..<count).map { "site-\($0 / 10)\($0 % 10)" }
        var own = settings ?? SecureSumSettings()
        if settings == nil { (own.form, own.threshold, own.neighbours) = (form, threshold, neighbours) }
        self.settings = own
        keys = Dictionary(uniqueKeysWithValues: sites.map { ($0, Curve25519.Signing.PrivateKey()) })
        filter = try Self.made(own, keys)
        plan = try SharingPlan(
            sites: descriptions
                ?? sites.map {
                    SiteDescription(name: $0, examples: 10, tensors: Self.tensors.map { TensorRole($0) })
                }, sharing: Sharing())
        weights = Dictionary(uniqueKeysWithValues: sites.enumerated().map { ($1, Double($0 + 1)) })
    }

    private static func made(
        _ settings: SecureSumSettings, _ keys: [String: Curve25519.Signing.PrivateKey],
        weighting: SiteWeighting = SiteWeighting(), folder: URL? = nil
    ) throws -> SecureSum {
        try SecureSum(
            settings, run: "test", weighting: weighting, folder: folder, signers: keys,
            verifier: SiteKeys(keys.mapValues { .ed25519($0.publicKey) }))
    }

    /// New processes everywhere, which know nothing of what was in memory.
    mutating func restart(weighting: SiteWeighting = SiteWeighting(), folder: URL? = nil) throws {
        filter = try Self.made(settings, keys, weighting: weighting, folder: folder)
    }

    var sealedRound: SealedRound { SealedRound(round: round, plan: plan, content: .difference, weights: weights) }

    /// Values within the clipping range, other ones for every site.
    func update(of site: String) -> ModelUpdate {
        let seed = site.utf8.reduce(0) { $0 &* 31 &+ Int($1) } &+ round
        return ModelUpdate(
            .difference,
            Weights(plan.expectation(of: site).enumerated().map { tensor($1.name, $1.shape, seed: seed &+ $0) }),
            examples: Int(weights[site] ?? 0), steps: 3, metrics: ["loss": 1])
    }

    /// The same for all sites, under the names of each.
    func task(of site: String) -> TrainTask {
        let global = Weights(plan.shares.map { Weights.Tensor($0.tensor, storage: Self.zeros($0.tensor)) })
        return TrainTask(
            round: round, rounds: 9, model: plan.model(of: site, from: global), content: .difference,
            session: filter.session(sealedRound))
    }

    private static func zeros(_ tensor: TensorDescription) -> TensorStorage {
        TensorStorage(byteCount: tensor.byteCount) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
    }

    /// What sites say that they trained on, in their sealed updates.
    func statements(_ updates: [String: ModelUpdate]) throws -> [TrainingStatement] {
        try updates.sorted { $0.key < $1.key }.map { _, update in
            let bytes = try update.tensors.weights()["training"]!.values(as: UInt8.self)
            return try JSONDecoder().decode(TrainingStatement.self, from: Data(bytes))
        }
    }

    // MARK: The protocol, by hand

    enum Outcome: Error { case noQuestion }

    /// Leads one exchange as a coordinator does: a site that throws, or is `lost` at this step (1, 2, …), is gone.
    ///
    /// - Parameters:
    ///   - change: what becomes of a question on its way.
    ///   - between: what happens after a site has answered.
    /// - Returns: the sites that are left, and what those that are not threw.
    @discardableResult
    func carryOut(
        _ moment: FilterMoment, with sites: [String], lost: [String: Int] = [:],
        change: (_ site: String, _ step: Int, Data) throws -> Data = { $2 },
        changeAnswer: (_ site: String, _ step: Int, Data) throws -> Data = { $2 },
        between: (_ site: String, _ step: Int, Data) async throws -> Void = { _, _, _ in }
    ) async throws -> (left: [String], reasons: [String: any Error]) {
        guard let exchange = try filter.exchange(moment, sealedRound) else { throw Outcome.noQuestion }
        var left = sites
        var reasons: [String: any Error] = [:]
        attempt: while true {
            var attempt = exchange
            var answers: [String: Data] = [:]
            var step = 0
            while let questions = try attempt.next(answers, sites: left) {
                step += 1
                answers = [:]
                var gone: [String] = []
                for site in left {
                    guard let question = questions[site] else { continue }
                    do {
                        if lost[site] == step { throw FederationError.site("it keeps silent") }
                        answers[site] = try changeAnswer(
                            site, step, await filter.answer(change(site, step, question), site: site))
                        try await between(site, step, question)
                    } catch {
                        gone.append(site)
                        reasons[site] = error
                    }
                }
                if gone.isEmpty { continue }
                left.removeAll { gone.contains($0) }
                if !attempt.goesOnWithoutLostSites { continue attempt }
            }
            return (left, reasons)
        }
    }

    /// What a site makes of an update, after it was asked before the training.
    func seal(_ update: ModelUpdate, of site: String, task change: (inout TrainTask) -> Void = { _ in }) async throws
        -> ModelUpdate
    {
        var task = task(of: site)
        change(&task)
        try await filter.admit(task, site: site)
        return try await filter.atSite(update, FilterContext(round: round, site: site))
    }

    /// - Parameter change: what becomes of a task on its way.
    func seal(
        _ sites: [String], task change: (_ site: String, inout TrainTask) -> Void = { _, _ in }
    ) async throws -> [String: ModelUpdate] {
        var sealed: [String: ModelUpdate] = [:]
        for site in sites {
            let own = try await seal(update(of: site), of: site) { change(site, &$0) }
            try filter.check(own, from: site, sealedRound)
            sealed[site] = own
        }
        return sealed
    }

    /// A tensor's plain integers, summed over some sites of a sum among `all`: what the sum must be, exactly.
    func integerSum(_ share: SharingPlan.Share, over survivors: [String], of all: [String]) -> [Int64] {
        let members = all.filter { share.members[$0] != nil }
        let total = members.reduce(0) { $0 + weights[$1]! }
        let scale = (2_147_483_647 - Double(all.count)) / settings.clippingRange
        var sum = [Int64](repeating: 0, count: share.tensor.count)
        for site in survivors {
            guard let name = share.members[site], let values = try? update(of: site).tensors.weights()[name]?.floats
            else { continue }
            let factor = weights[site]! / total * scale
            for (i, value) in values.enumerated() {
                sum[i] += Int64((Double(value) * factor).rounded(.toNearestOrEven))
            }
        }
        return sum
    }

    /// The mean that belongs to the integer sum, as float32.
    func mean(_ share: SharingPlan.Share, over survivors: [String], of all: [String]) -> [Float] {
        let members = all.filter { share.members[$0] != nil }
        func weight(_ sites: [String]) -> Double { sites.filter(members.contains).reduce(0) { $0 + weights[$1]! } }
        let scale = (2_147_483_647 - Double(all.count)) / settings.clippingRange
        let factor = scale * (weight(survivors) / weight(members))
        return integerSum(share, over: survivors, of: all).map { Float(Double($0) / factor) }
    }
}

extension Weights.Tensor {
    /// A copy of the values: bytes alone do not keep the tensor alive.
    func values<Value>(as _: Value.Type) -> [Value] {
        withExtendedLifetime(storage) { Array(bytes.assumingMemoryBound(to: Value.self)) }
    }
}
