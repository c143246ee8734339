import Federation
import Privacy

/// What a site's people ask of secure sums: the part `secure_sums` of `site-policy.yaml`. Where it stands, a run that lets the
/// server see the site's update is refused.
public struct SecureSumPolicy: Sendable, Equatable {
    /// A way of hiding updates, by the word of the run file.
    public enum Form: String, Sendable, CaseIterable {
        case masks
        case lattice
        /// One key for all sites: each of them could open this one's update.
        case ckks
    }

    public var forms: [Form] = [.masks, .lattice]
    /// Of whose updates a sum must hold those, at least.
    public var fewestSites = 3
    /// The largest share of the weight that one site may have; nil leaves it to the run.
    public var largestShare: Double?
    /// More than this share of the holders of a secret must help to open a sum.
    public var threshold = 2.0 / 3

    public init() {}
}

// MARK: What is refused

extension SecureSumPolicy {
    /// - Throws: `FederationError.policy`, with the fact.
    func admit(_ run: RunFile) throws {
        let strategy = run.strategy
        let form: Form? =
            switch strategy.secureAggregation {
            case .plain: nil
            case .sum(let settings): settings.form == .masks ? .masks : .lattice
            case .ckks: .ckks
            }
        guard let form, forms.contains(form) else {
            throw FederationError.policy(
                "updates leave it in secure sums alone, by \(forms.map(\.rawValue).joined(separator: " or ")), and the run has "
                    + (form.map { "secure_aggregation: \($0.rawValue)" } ?? "none"))
        }
        let fewest = max(strategy.minimumSites, strategy.secureAggregation.fewestSites)
        guard fewest >= fewestSites else {
            throw FederationError.policy(
                "its update hides among \(fewestSites) sites or more, and the run opens sums of \(fewest): set its minimum_sites"
            )
        }
        guard case .sum(let settings) = strategy.secureAggregation else { return }
        if let largestShare, settings.largestShare > largestShare {
            throw FederationError.policy(
                "no site may have more than a share of \(largestShare.scalar) of a sum, and the run's largest_share is "
                    + settings.largestShare.scalar)
        }
        guard settings.threshold >= threshold else {
            throw FederationError.policy(
                "more than a share of \(threshold.scalar) of the sites must help to open a sum, and the run's threshold is "
                    + settings.threshold.scalar)
        }
    }
}

extension SecureSumPolicy: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("required", Self()),
        .bare(
            .mapping, example: "{fewest_sites: 5, largest_share: 0.4}", make: { (keys: Keys) in keys.policy },
            value: { Keys(policy: $0) }),
    ]

    private struct Keys: YAMLSection {
        var policy = SecureSumPolicy()

        static let keys: [YAMLKey<Self>] = [
            YAMLKey("forms", \.policy.forms, form: "a list such as [masks, lattice]"),
            YAMLKey("fewest_sites", \.policy.fewestSites, .atLeast(3)),
            YAMLKey("largest_share", \.policy.largestShare, .betweenZeroAndOne),
            YAMLKey("threshold", \.policy.threshold, .betweenZeroAndOne),
        ]
    }
}

extension SecureSumPolicy.Form: YAMLWord {}
