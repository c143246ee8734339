import Federation
import Privacy

/// What a site does to every update by itself. The server's half of each does nothing, so that no run need know of it.
public enum SiteFilter: Sendable, Equatable {
    /// Clips, and zeroes what is small; adds no noise.
    case percentile(Percentile.Settings)
    /// The sparse vector technique.
    case sparseVector(SparseVector.Settings)
    /// No update of this kind leaves.
    case block(ModelUpdate.Content)

    /// - Throws: `PrivacyError.setting`.
    var filter: any UpdateFilter {
        get throws {
            switch self {
            case .percentile(let settings): try Percentile(settings)
            case .sparseVector(let settings): try SparseVector(settings)
            case .block(let content): try Blocker(.init([content]))
            }
        }
    }
}

extension SiteFilter {
    /// Whether it can do its work on a run's updates; found out before one is made.
    ///
    /// - Throws: `FederationError.policy`, with the fact.
    func admit(_ run: RunFile) throws {
        guard !run.validation.crossSite else {
            throw FederationError.policy(
                "its own filters do nothing to the whole models that cross-site validation sends")
        }
        if case .block(let content) = self {
            guard run.strategy.update != content else {
                throw FederationError.policy(
                    "no update of the kind \(content.rawValue) leaves it, and the run asks for such")
            }
            return
        }
        guard run.strategy.update == .difference else {
            throw FederationError.policy("its own filters work on differences, and the run asks for weights")
        }
        if let promise = run.privacy.differentialPrivacy, !promise.releases.contains(.counts) {
            throw FederationError.policy(
                "its own filters divide by an update's steps, which a run with differential privacy tells only with counts "
                    + "among its releases")
        }
    }
}

extension SiteFilter: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word(
            "percentile", example: "{percentile: 10, gamma: 0.01}", make: { .percentile($0) },
            value: { if case .percentile(let settings) = $0 { settings } else { nil } }),
        .word(
            "svt",
            example: "{form: flare28, fraction: 0.1, epsilon: 0.1, noise_var: 0.1, gamma: 0.00001, tau: 0.000001}",
            make: { .sparseVector($0) },
            value: { if case .sparseVector(let settings) = $0 { settings } else { nil } }),
        .word(
            "block", example: "weights", make: { .block($0) },
            value: { if case .block(let content) = $0 { content } else { nil } }),
    ]

    func check(at path: String, _ reading: inout Reading) {
        let count = reading.faults.count
        for option in Self.options { option.check(self, path, &reading) }
        guard reading.faults.count == count else { return }
        do { _ = try filter } catch {
            reading.fault(at: path, "makes no sense: \(error)", "correct it, or leave it out")
        }
    }
}
