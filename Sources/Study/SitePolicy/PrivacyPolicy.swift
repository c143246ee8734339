import Federation
import Privacy

/// What a site's people ask of the privacy of every run: the part `privacy` of `site-policy.yaml`. Where it stands, what it does
/// not allow is refused.
public struct PrivacyPolicy: Sendable, Equatable {
    /// The most that all runs together may spend on any one record of a dataset, or on the site.
    public struct Cap: Sendable, Equatable {
        public var epsilon = 0.0
        public var delta = 0.0

        public init() {}
    }

    /// What a run must promise.
    public struct Requirement: Sendable, Equatable {
        public var unit: PrivacyUnit
        /// Of the run as a whole.
        public var mostEpsilon: Double?
        /// At which that is counted; nil for the cap's.
        public var delta: Double?
        public var leastNoiseMultiplier: Double?
        /// The column of the site's table by which a run must take cases for one record; nil leaves that to the run.
        public var patients: String?

        public init(_ unit: PrivacyUnit) { self.unit = unit }
    }

    /// Of every dataset that has none of its own; nil only counts.
    public var cap: Cap?
    public var capOfDataset: [String: Cap] = [:]
    public var required: Requirement?
    /// What may leave without noise.
    public var plainReleases: [PlainRelease] = []
    public var accountant = Accountant.renyi

    public init() {}

    /// In a few words.
    public var text: String {
        var parts: [String] = []
        if let required {
            let column = required.patients.map { " by the column \($0)" } ?? ""
            parts.append("privacy of every \(required.unit.rawValue)\(column) required")
        }
        if let cap { parts.append("at most ε \(cap.epsilon.scalar) of any dataset") }
        if !capOfDataset.isEmpty { parts.append("caps of \(capOfDataset.keys.sorted().joined(separator: ", "))") }
        let releases = plainReleases.map(\.rawValue).joined(separator: ", ")
        return (parts + ["without noise: \(releases.isEmpty ? "nothing" : releases)"]).joined(separator: ", ")
    }

    /// - Returns: nil where only is counted.
    func cap(of dataset: String) throws -> PrivacyBudget? {
        try (capOfDataset[dataset] ?? cap).map { try PrivacyBudget(epsilon: $0.epsilon, delta: $0.delta) }
    }
}

// MARK: What is refused

extension PrivacyPolicy {
    /// Looks at what a run says of itself.
    ///
    /// - Throws: `FederationError.policy`, with the fact.
    func admit(_ run: RunFile) throws {
        let promise = run.privacy.differentialPrivacy
        // What trains nothing can release a fingerprint and nothing else; what it promises all the same must be enough.
        if let required, run.task == .train || promise != nil {
            guard promise?.unit == required.unit else {
                throw FederationError.policy(
                    "a run must have differential privacy with the unit \(required.unit.rawValue), and this one has "
                        + (promise?.unit.map { "the unit \($0.rawValue)" } ?? "none"))
            }
            if let column = required.patients, promise?.patients?.asKey.lowercased() != column.asKey.lowercased() {
                throw FederationError.policy(
                    "a run must take the cases of one \(column) for one record (patients: \(column)), and this one "
                        + (promise?.patients.map { "goes by \($0)" } ?? "takes each case for one"))
            }
        }
        let missing = run.plainReleases.subtracting(plainReleases).map(\.rawValue).sorted()
        guard missing.isEmpty else {
            throw FederationError.policy(
                "it gives no leave to release without noise: \(missing.joined(separator: ", ")) (plain_releases)")
        }
    }

    /// Looks at what a run costs here. The amounts follow from the site's number of records, and are not told.
    ///
    /// - Throws: `FederationError.policy`, with the fact.
    func admit(_ cost: PrivacyCost?, of dataset: String) throws {
        guard let required, let cost else { return }
        if let least = required.leastNoiseMultiplier, cost.leastNoise < least {
            throw FederationError.policy(
                "a run's noise must be at least \(least.scalar) times what one \(required.unit.rawValue) can change, and "
                    + "this one's is less")
        }
        if let most = try most(for: cost, of: dataset) {
            guard cost.source.claimsPrivacy, cost.epsilon(at: most.delta) <= most.epsilon else {
                throw FederationError.policy(
                    "a run may cost at most ε \(most.epsilon.scalar) at δ \(most.delta) here, and this one would cost more"
                )
            }
        }
    }

    /// The most that one run may cost; nil where the policy does not say.
    func most(for cost: PrivacyCost, of dataset: String) throws -> PrivacyBudget? {
        try required?.mostEpsilon.map {
            try PrivacyBudget(epsilon: $0, delta: required?.delta ?? cap(of: dataset)?.delta ?? cost.delta)
        }
    }
}
