import Federation
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Clips a site's whole difference to a norm over all its values, in L2, or in L1 for Laplace noise; where noise is shared, adds
/// the site's part.
///
/// What it costs is booked by `AccountedLearner` before the training. The counts and metrics of the update leave as they
/// are: who must not know them takes them out there.
public struct SiteLevelFilter: UpdateFilter {
    public let name = "site-level-privacy"
    public let settings: SiteLevelSettings
    public let source: NoiseSource
    private let norms: ClippingNorms
    private let rounds = Rounds()

    /// What sites know of the round they are in, by name: in process all may share one filter.
    private final class Rounds: Sendable {
        struct Known {
            var round: Int
            var norm: Double
            /// Whether the difference was within the bound; −1/2 or 1/2.
            var bit: Double?
            /// What was told of it: once told, always the same.
            var told: Double?
        }
        let known = Mutex<[String: Known]>([:])
    }

    /// - Parameter norms: the server's; where the norm does not adapt, it stands still.
    /// - Throws: `PrivacyError.setting`.
    public init(_ settings: SiteLevelSettings, norms: ClippingNorms? = nil, source: NoiseSource = .secure) throws {
        try settings.validate()
        self.settings = settings
        self.source = source
        self.norms = try norms ?? ClippingNorms(first: settings.clippingNorm)
    }

    // MARK: At the site

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        guard update.content == .difference else { throw SiteLevelSettings.needsDifference }
        try checkOthers(update.tensors)
        let bound = try bound(context)
        let norm = try update.tensors.norm(for: settings.mechanism)
        guard norm.isFinite else {
            throw PrivacyError.refused("The update holds NaN or infinite values, which cannot be clipped.")
        }
        if settings.adaptive != nil {
            rounds.known.withLock { $0[context.site]?.bit = norm <= bound ? 0.5 : -0.5 }
        }
        var update = update
        update.tensors = update.tensors.clipped(to: bound, norm: norm)
        guard case .shared(let fewest) = settings.noise else { return update }
        // The sum of weights times noises has the variance (σ·C·largest weight)², when so many sites are in it.
        let part = 1 / (try settings.relativeWeight(of: context.site) * Double(fewest).squareRoot())
        let noise = try GaussianNoise.covering(sensitivity: bound, noiseMultiplier: settings.noiseMultiplier)
        let own = try GaussianNoise(
            standardDeviation: noise.standardDeviation * part,
            stream: source.stream("site \(context.site) round \(context.round)"))
        update.tensors = try update.tensors.adding(own)
        return update
    }

    private func bound(_ context: FilterContext) throws -> Double {
        guard settings.adaptive != nil else { return settings.clippingNorm }
        guard let known = rounds.known.withLock({ $0[context.site] }), known.round == context.round else {
            throw PrivacyError.refused(
                "The server has not told the clipping norm of round \(context.round). It must ask before the training.")
        }
        return known.norm
    }

    private func checkOthers(_ tensors: any TensorSource) throws {
        guard settings.otherTensors == .refused else { return }
        if let other = tensors.descriptions.first(where: { $0.type != .float32 }) {
            throw PrivacyError.refused(
                "\(other.name) of type \(other.type.rawValue) is no difference, so that it cannot be hidden. Keep it at the "
                    + "site, or let other tensors pass where it tells nothing.")
        }
    }

    // MARK: At the server

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        guard update.content == .difference else { throw SiteLevelSettings.needsDifference }
        try checkOthers(update.tensors)
        if settings.noise == .server {
            let (norm, bound) = (try update.tensors.norm(for: settings.mechanism), norms.current)
            guard norm <= bound * (1 + 1e-6) else {
                throw PrivacyError.refused(
                    "The update of \(context.site) is not clipped: its norm is \(norm), not \(bound).")
            }
        }
        return update
    }

    public func exchange(_ moment: FilterMoment, round: Int) -> (any Preparation)? {
        guard let adaptive = settings.adaptive else { return nil }
        return ClippingExchange(moment: moment, round: round, filter: name, norms: norms, adaptive: adaptive)
    }

    public func answer(_ question: Data, site: String) async throws -> Data {
        guard let adaptive = settings.adaptive,
            let message = try? JSONDecoder().decode(ClippingMessage.self, from: question)
        else { throw PrivacyError.refused("The question on the clipping norm cannot be read.") }
        if let norm = message.norm {
            guard norm.isFinite, norm > 0 else {
                throw PrivacyError.refused("The server's clipping norm of \(norm) makes no sense.")
            }
            rounds.known.withLock { $0[site] = Rounds.Known(round: message.round, norm: norm) }
            return Data()
        }
        // Who does not trust the server with its update does not trust it with its bit: it has all of the noise then.
        let part = settings.noise == .server ? 1 / Double(adaptive.fewestSites).squareRoot() : 1
        var noise = try GaussianNoise(
            standardDeviation: adaptive.bitNoise * part,
            stream: source.stream("bit \(site) round \(message.round)"))
        let told: Double? = rounds.known.withLock { known in
            guard let own = known[site], own.round == message.round, let bit = own.bit else { return nil }
            if let told = own.told { return told }
            let told = noise.add(to: bit)
            known[site]?.told = told
            return told
        }
        guard let told else {
            throw PrivacyError.refused("The site has no update of round \(message.round) to tell of.")
        }
        return try JSONEncoder().encode(told)
    }
}

/// What the server says to a site: the norm of a round, or that it wants to know of its bit.
struct ClippingMessage: Codable {
    var round: Int
    var norm: Double?
}

/// Tells the norm before a round's training, and gathers the noised bits after it.
struct ClippingExchange: Preparation {
    let moment: FilterMoment
    let round: Int
    let filter: String
    let norms: ClippingNorms
    let adaptive: AdaptiveClipping
    private var isAsked = false

    init(moment: FilterMoment, round: Int, filter: String, norms: ClippingNorms, adaptive: AdaptiveClipping) {
        (self.moment, self.round, self.filter) = (moment, round, filter)
        (self.norms, self.adaptive) = (norms, adaptive)
    }

    var name: String { moment == .beforeTraining ? "clipping norm" : "clipping bits" }
    var addressee: Question.Addressee { .filter(filter) }
    /// A site that does not tell its bit is only missing among them.
    var goesOnWithoutLostSites: Bool { moment == .afterTraining }

    mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]? {
        if !isAsked {
            isAsked = true
            let norm = moment == .beforeTraining ? try norms.begin(round) : nil
            let message = try JSONEncoder().encode(ClippingMessage(round: round, norm: norm))
            return Dictionary(sites.map { ($0, message) }, uniquingKeysWith: { a, _ in a })
        }
        guard moment == .afterTraining else { return nil }
        let bits = answers.sorted { $0.key < $1.key }.compactMap {
            try? JSONDecoder().decode(Double.self, from: $0.value)
        }
        .filter(\.isFinite)
        // Of fewer sites the noise is too little for the norm to be told to anyone.
        guard bits.count >= adaptive.fewestSites else { return nil }
        let within = bits.reduce(0, +) / Double(bits.count) + 0.5
        try norms.move(by: exponential(-adaptive.learningRate * (within - adaptive.quantile)))
        return nil
    }
}
