/// What a run will cost, before it begins: noise, ε, what that does to learning, and what it protects.
public struct PrivacyPlan: Sendable, CustomStringConvertible {
    public let unit: PrivacyUnit
    /// σ, or the scale of Laplace noise, in multiples of what one record or site can change.
    public let noiseMultiplier: Double
    public let mechanism: SiteLevelSettings.Mechanism
    public let clippingNorm: Double
    public let rounds: Int
    /// Steps of DP-SGD in all rounds; nil where sites are protected.
    public let steps: Int?
    /// With which a record takes part in a step.
    public let rate: Double?
    public let delta: Double
    public let accountant: Accountant
    public let epsilonOfOneRound: Double
    public let epsilon: Double
    /// The length of the noise over the most that the clipped gradients, or differences, can add up to. Above 1, noise is
    /// most of each step; what is learned then comes from many steps.
    public let noiseToSignal: Double
    public let claimsPrivacy: Bool
    public let protects: [String]
    public let doesNotProtect: [String]

    /// DP-SGD over a site's records.
    ///
    /// - Parameter parameters: trained values.
    /// - Throws: `PrivacyError.setting`.
    public init(
        _ settings: RecordLevelSettings, records: Int, rounds: Int, parameters: Int, source: NoiseSource = .secure
    ) throws {
        guard rounds > 0, parameters > 0 else {
            throw PrivacyError.setting("A plan needs at least one round and one trained value.")
        }
        unit = .record
        mechanism = .gaussian
        noiseMultiplier = try settings.noiseMultiplier(records: records)
        clippingNorm = settings.clippingNorm
        self.rounds = rounds
        steps = settings.steps
        let rate = settings.rate(records: records)
        self.rate = rate
        delta = settings.delta
        accountant = settings.accountant
        let step = try PrivacyEvent.sampledGaussian(rate: rate, noiseMultiplier: noiseMultiplier)
        epsilon = accountant.epsilon(of: [try step.composed(settings.steps)], at: delta)
        let (whole, rest) = settings.steps.quotientAndRemainder(dividingBy: rounds)
        let perRound = whole + (rest > 0 ? 1 : 0)
        epsilonOfOneRound = accountant.epsilon(of: [try step.composed(perRound)], at: delta)
        noiseToSignal = noiseMultiplier * Double(parameters).squareRoot() / settings.expectedBatch
        claimsPrivacy = source.claimsPrivacy
        protects = [
            "whether any one record (a case; a patient where a column names them) was trained on, against everyone who sees "
                + "the site's updates or the models made of them: server, other sites, users"
        ]
        doesNotProtect = [
            "what is true of the site's records in general",
            "what the site releases without noise: fingerprint, metrics and counts, where it gives leave",
            "a patient with records at several sites: the sites' ε add up",
            "earlier runs: the ledger adds them to this one",
        ]
    }

    /// Noise that hides whole sites.
    ///
    /// - Parameters:
    ///   - sites: that take part in every round.
    ///   - parameters: values of the difference.
    ///   - isSummedInSecret: the server sees the sum of the sites' updates and no single one.
    /// - Throws: `PrivacyError.setting`.
    public init(
        _ settings: SiteLevelSettings, sites: Int, rounds: Int, parameters: Int, delta: Double,
        accountant: Accountant = .renyi, source: NoiseSource = .secure, isSummedInSecret: Bool = false
    ) throws {
        try settings.validate()
        try AnalyticGaussian.check(delta: delta)
        guard rounds > 0, parameters > 0, sites > 0 else {
            throw PrivacyError.setting("A plan needs at least one round, one site and one value.")
        }
        unit = .site
        mechanism = settings.mechanism
        noiseMultiplier = settings.noiseMultiplier
        clippingNorm = settings.clippingNorm
        self.rounds = rounds
        steps = nil
        rate = nil
        self.delta = delta
        self.accountant = accountant
        let events = try settings.events
        epsilon = accountant.epsilon(of: try events.map { try $0.composed(rounds) }, at: delta)
        epsilonOfOneRound = accountant.epsilon(of: events, at: delta)
        // A Laplace variable's standard deviation is √2 times its scale; no norm in L2 is more than that in L1.
        let deviation = mechanism == .laplace ? 2.0.squareRoot() * noiseMultiplier : noiseMultiplier
        var noise = deviation * Double(parameters).squareRoot() / Double(sites)
        if case .shared(let fewest) = settings.noise {
            guard fewest <= sites else {
                throw PrivacyError.setting("The noise is shared among \(fewest) sites, and there are \(sites).")
            }
            noise *= (Double(sites) / Double(fewest)).squareRoot()
        }
        noiseToSignal = noise
        claimsPrivacy = source.claimsPrivacy
        let took = "whether any one site took part with its data, against everyone who sees the models"
        var gaps: [String]
        switch (settings.noise, isSummedInSecret) {
        case (.server, _):
            protects = [took]
            gaps = ["anything against the server itself, which sees each site's update and adds the noise"]
        case (.shared, false):
            protects = [took]
            gaps = ["a site's update against a server that sees it alone: combine this with a secure sum"]
        case (.shared(let fewest), true):
            protects = [took + ", and against the server, which sees only their secure sum"]
            gaps = [
                "a site's update against those who can open it together, as the secure sum says",
                "more than the noise of \(fewest) sites that tell it to nobody: a site that tells its own counts as none",
            ]
        }
        if settings.otherTensors == .passed { gaps.append("tensors that are no differences, which pass as they are") }
        doesNotProtect =
            gaps + [
                "what the site releases without noise: fingerprint, metrics and counts, where it gives leave",
                "earlier runs: the ledger adds them to this one",
            ]
    }

    public var description: String {
        var lines = ["unit of privacy: \(unit.rawValue)"]
        if !claimsPrivacy { lines.append(NoiseSource.noPrivacyClaim.uppercased()) }
        let amount = "\(shown(noiseMultiplier)) times the clipping norm \(shown(clippingNorm))"
        lines.append(mechanism == .laplace ? "noise: Laplace, b \(amount) in L1" : "noise: σ \(amount)")
        if let steps, let rate {
            lines.append("steps: \(steps) in \(rounds) rounds, each with a record's chance of \(shown(rate))")
        } else {
            lines.append("rounds: \(rounds)")
        }
        let name = accountant == .renyi ? RenyiAccountant.name : PrivacyLossAccountant.name
        if claimsPrivacy {
            lines.append("ε of one round: \(shown(epsilonOfOneRound, digits: 4)) at δ \(shown(delta)), by \(name)")
            lines.append("ε in all: \(shown(epsilon, digits: 4)) at δ \(shown(delta)), by \(name)")
        }
        lines.append(
            "noise to signal: at least \(shown(noiseToSignal, digits: 3)), the length of a step's noise over the most that can "
                + "be learned in it")
        if claimsPrivacy {
            lines.append("It protects")
            lines += protects.map { "  - " + $0 }
            lines.append("It does not protect")
            lines += doesNotProtect.map { "  - " + $0 }
        }
        return lines.joined(separator: "\n")
    }
}
