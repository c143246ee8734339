import Crypto
import Federation
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A server's half of a secure sum: what was agreed upon before training, and disclosed after it.
final class SumCollector: Sendable {
    private struct State {
        var round = 0
        var group: SumGroup?
        var layout: SumLayout?
        var statements: [String: TrainingStatement] = [:]
        var survivors: [String] = []
        var disclosures: [String: Disclosure] = [:]
    }

    let settings: SecureSumSettings
    let run: String
    let verifier: any SiteVerifier
    private let state = Mutex(State())

    init(_ settings: SecureSumSettings, run: String, verifier: any SiteVerifier) {
        (self.settings, self.run, self.verifier) = (settings, run, verifier)
    }

    func agreed(_ group: SumGroup, _ layout: SumLayout, round: Int) {
        state.withLock { $0 = State(round: round, group: group, layout: layout) }
    }

    /// Keeps what the site says of its training.
    func check(_ update: ModelUpdate, from site: String, round: Int) throws {
        let statement = try SealedFormat(settings.form).check(update, from: site, group(round: round), verifier)
        state.withLock { $0.statements[site] = statement }
    }

    /// What some sites trained on, in the order of their names.
    func statements(of sites: [String]) -> [TrainingStatement] {
        state.withLock { state in sites.sorted().compactMap { state.statements[$0] } }
    }

    func disclosed(_ disclosures: [String: Disclosure], survivors: [String]) {
        state.withLock { ($0.disclosures, $0.survivors) = (disclosures, survivors) }
    }

    /// - Throws: `PrivacyError.refused` where nothing was agreed upon for the round.
    func group(round: Int) throws -> SumGroup {
        guard let group = state.withLock({ $0.round == round ? $0.group : nil }) else {
            throw PrivacyError.refused("No keys were agreed upon for a secure sum in round \(round).")
        }
        return group
    }

    // MARK: Opening

    /// The weighted mean of the survivors' updates, under the plan's names.
    func open(_ updates: [String: ModelUpdate], round: Int) throws -> OpenedUpdate {
        let group = try group(round: round)
        let (layout, survivors, disclosures) = state.withLock { ($0.layout, $0.survivors, $0.disclosures) }
        guard let layout, !survivors.isEmpty else {
            throw PrivacyError.refused("The sites have not agreed on whose updates of round \(round) are opened.")
        }
        let part = try survivors.map { site in
            guard let update = updates[site] else {
                throw PrivacyError.refused("The update of \(site) is gone, and without it the sum cannot be opened.")
            }
            return (site: site, tensors: update.tensors)
        }
        let secrets = try MaskSecrets(group, survivors: survivors, disclosures)
        let format = SealedFormat(settings.form)
        var means = Weights()
        for (index, circle) in group.roster.circles.enumerated() {
            let members = part.filter { circle.members.contains($0.site) }
            let sums = try format.sum(members, circle: index, group) { try secrets.unmask($0, circle: index, group) }
            let weight = group.weight(of: survivors, in: circle)
            guard weight > 0 else {
                throw PrivacyError.refused("The sites whose updates came all weigh nothing. Give one of them a weight.")
            }
            var first = 0
            for share in layout.shares[index] {
                let values = sums[first..<first + share.tensor.count]
                first += share.tensor.count
                means.set(try mean(values, share.tensor, weight: weight, group))
            }
        }
        return OpenedUpdate(means, of: survivors)
    }

    private func mean(_ sums: ArraySlice<UInt32>, _ tensor: TensorDescription, weight: Double, _ group: SumGroup) throws
        -> Weights.Tensor
    {
        let isFloat = tensor.type.isFloatingPoint
        let point = group.fixedPoint(range: isFloat ? settings.clippingRange : FixedPoint.rangeOfIntegers)
        func stored<Value>(_ type: ScalarType, _ value: (Double) -> Value) -> Weights.Tensor {
            Weights.Tensor(
                TensorDescription(name: tensor.name, shape: tensor.shape, type: type),
                storage: TensorStorage(byteCount: sums.count * MemoryLayout<Value>.size) { buffer in
                    let target = buffer.bindMemory(to: Value.self)
                    for (i, sum) in sums.enumerated() { target[i] = value(point.decode(sum, weight: weight)) }
                })
        }
        if tensor.type == .float32 { return stored(.float32) { Float($0) } }
        let wide = Weights([stored(.float64) { $0 }])
        return try ConvertedTensors(wide, from: .float64, to: tensor.type).weights().tensors[0]
    }
}

/// The secrets of a sum's masks, put together out of shares: the seeds of the sites whose updates came, the mask keys of the
/// others.
struct MaskSecrets {
    private var seeds: [String: Data] = [:]
    private var keys: [String: Curve25519.KeyAgreement.PrivateKey] = [:]

    /// - Throws: `PrivacyError.refused` where shares are missing, `.forged` where some are wrong.
    init(_ group: SumGroup, survivors: [String], _ disclosures: [String: Disclosure]) throws {
        for owner in group.needed(for: survivors) {
            let isSurvivor = survivors.contains(owner)
            let holders = group.graph.holders(of: owner)
            let shares = holders.enumerated().compactMap { place, holder -> SecretSharing.Share? in
                let share = isSurvivor ? disclosures[holder]?.seeds[owner] : disclosures[holder]?.keys[owner]
                return share.map { SecretSharing.Share(point: UInt8(place + 1), bytes: [UInt8]($0)) }
            }
            let threshold = group.threshold(of: owner)
            guard shares.count >= threshold else {
                throw PrivacyError.refused(
                    "\(shares.count) sites helped to take away the mask of \(owner), and \(threshold) are needed. The round is lost; let more sites take part."
                )
            }
            let own = try group.advertisement(of: owner)
            let wrong = PrivacyError.forged("Of the shares of \(owner)'s secrets some are wrong. The round is lost.")
            if isSurvivor {
                let seed = Self.secret(of: shares, threshold) {
                    Data(SHA256.hash(data: $0)) == own.seedDigest ? $0 : nil
                }
                guard let seed else { throw wrong }
                seeds[owner] = seed
            } else {
                let key = Self.secret(of: shares, threshold) { secret in
                    let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: secret)
                    return key?.publicKey.rawRepresentation == own.maskKey ? key : nil
                }
                guard let key else { throw wrong }
                keys[owner] = key
            }
        }
    }

    /// Where one share too many is there, one that is wrong is found by leaving out each in turn; with two too many, two.
    private static func secret<Secret>(
        of shares: [SecretSharing.Share], _ threshold: Int, _ check: (Data) -> Secret?
    ) -> Secret? {
        func tried(without wrong: Set<Int>) -> Secret? {
            let rest = shares.indices.filter { !wrong.contains($0) }.prefix(threshold).map { shares[$0] }
            guard rest.count == threshold, let secret = SecretSharing.combine(rest) else { return nil }
            return check(Data(secret))
        }
        if let secret = tried(without: []) { return secret }
        let others = shares.indices
        for a in others { if let secret = tried(without: [a]) { return secret } }
        guard shares.count < 64 else { return nil }
        for a in others { for b in others where a < b { if let secret = tried(without: [a, b]) { return secret } } }
        return nil
    }

    /// Takes away what is left of the masks in the sum over the survivors: their own, and those in common with the others.
    func unmask(_ words: UnsafeMutableBufferPointer<UInt32>, circle: Int, _ group: SumGroup) throws {
        let members = group.roster.circles[circle].members
        for (site, seed) in seeds where members.contains(site) {
            Mask.apply(Mask.key(ofSeed: seed, group, circle: circle), adding: false, to: words)
        }
        for (lost, key) in keys where members.contains(lost) {
            for other in group.graph.neighbours[lost] ?? [] where seeds[other] != nil && members.contains(other) {
                let mask = try Mask.key(key, of: lost, with: other, group, circle: circle)
                // The other added it where its name comes first.
                Mask.apply(mask, adding: lost < other, to: words)
            }
        }
    }
}
