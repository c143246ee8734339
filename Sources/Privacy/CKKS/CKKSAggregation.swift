import Crypto
import Federation
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Rounds in which the server adds what it cannot read: updates, their mean and the global model are under CKKS, as with
/// NVFlare's homomorphic filters.
///
/// Three parts go together. At a site, this filter seals the update, last of all filters, and `CKKSLearner` opens the model
/// that comes back. At the server, this filter checks what came, without a key, and `CKKSSum` adds. So the server's checkpoint
/// is a ciphertext, only sites can judge the model, and nothing can be done to it at the server: `misfits` says what cannot go
/// beside it.
///
/// Key and results stay with the sites. Who has a ciphertext and what it opens to, with CKKS's errors in the last digits, finds
/// the key, and with the key every update that the server kept (Li and Micciancio 2021). So before the trained model is given
/// to anyone else, noise far above those errors (about 10⁻⁹) must be added to it, once (Li et al. 2022), or the server's
/// ciphertexts be gone. This type does not do that.
public struct CKKSAggregation: UpdateFilter {
    public let name = "ckks"
    /// The run's name: what is sealed in one run is refused in another.
    public let run: String
    public let rule: SiteWeighting.Rule
    /// What sites make, and their other filters see; what is sealed is weights always.
    public let content: ModelUpdate.Content
    /// A sum over fewer sites is not opened.
    public let fewestSites: Int
    let context: CKKSContext
    let key: CKKSKey?
    let startingPoints = StartingPoints()

    /// The models that sites trained on, to which their differences are added; by name: in process all may share one filter.
    final class StartingPoints: Sendable {
        let known = Mutex<[String: (round: Int, model: Weights)]>([:])
    }

    /// A thousandth of an example is the unit of weights: so that values times examples stay in range.
    static let weightOfExample = 1.0 / 1024

    /// - Parameters:
    ///   - weighting: by examples, or uniform; the strategy's must be the same.
    ///   - content: what learners send and other filters read; differences are added to the model that the site has open.
    ///   - key: 32 bytes that all sites share; nil at the server, which must not have them.
    /// - Throws: `PrivacyError.setting`.
    public init(
        run: String, parameters: CKKSParameters = .additive, weighting: SiteWeighting.Rule = .examples,
        content: ModelUpdate.Content = .weights, fewestSites: Int = 3, key: Data?
    ) throws {
        guard weighting == .examples || weighting == .uniform else {
            throw PrivacyError.setting(
                "Under CKKS sites weigh by their examples or all the same: choose one of the two.")
        }
        guard fewestSites >= 2 else {
            throw PrivacyError.setting(
                "A sum under CKKS takes two sites at least: one would be that site's own update.")
        }
        (self.run, rule, self.content, self.fewestSites) = (run, weighting, content, fewestSites)
        context = try CKKSContext(parameters)
        self.key = try key.map { [context] in try CKKSKey(bytes: $0, context: context) }
    }

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        let key = try secret()
        guard update.content == content else {
            throw PrivacyError.setting(
                "The update to be sealed is a \(update.content.rawValue), and this run's hold \(content.rawValue).")
        }
        let layout = try SealedLayout(update.tensors.descriptions)
        var values = try layout.values(of: update.tensors)
        if content == .difference {
            guard let start = startingPoints.known.withLock({ $0.removeValue(forKey: context.site) }),
                start.round == context.round
            else {
                throw PrivacyError.refused(
                    "The model that \(context.site) trained on in round \(context.round) is not known.")
            }
            for (index, value) in try layout.values(of: start.model).enumerated() { values[index] += value }
        }
        let vector = try values.withUnsafeBufferPointer {
            try self.context.encrypt(
                $0, weight: weight(examples: update.examples), key: key, site: context.site,
                occasion: occasion(context.round))
        }
        var sealed = update
        sealed.content = .weights
        sealed.tensors = Weights([
            try SealedModel(round: context.round, .vector(vector)).tensor(
                SealedModel.description(layout, self.context.parameters))
        ])
        return sealed
    }

    /// Looks at a sealed update as far as one can without the key, and lets it pass as it is.
    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        let model = try SealedModel(update.tensors)
        let vector = try model.hasVector()
        guard update.content == .weights, model.round == context.round, vector.terms.count == 1,
            vector.terms[0].site == context.site, vector.terms[0].weight == weight(examples: update.examples),
            vector.parameters == self.context.parameters, vector.tag != nil
        else {
            throw PrivacyError.forged(
                "The sealed update that came from \(context.site) is not one that it sealed in round \(context.round): it is refused."
            )
        }
        return update
    }

    /// What of a strategy cannot go beside it, each with the remedy.
    public func misfits(_ strategy: Strategy) -> [String] {
        var found: [String] = []
        func require(_ condition: Bool, _ text: String) { if !condition { found.append(text) } }
        require(strategy.aggregator is CKKSSum, "The server can only add under CKKS: take the sum as aggregation.")
        require(
            strategy.serverOptimizer == .replace,
            "A server optimizer reads the model, which the server cannot under CKKS: let the mean replace it.")
        require(
            strategy.content == .weights,
            "The server cannot apply differences to a model that it cannot read: let sites seal weights.")
        require(
            strategy.weighting == SiteWeighting(rule),
            "Weights are applied at the sites under CKKS: give the strategy the same rule, and no groups.")
        require(
            !strategy.keepsModelOfEachModality,
            "A model of each modality is a mean that no site opens: keep none under CKKS.")
        require(
            strategy.filters.last is CKKSAggregation && strategy.filters.dropLast().allSatisfy { $0 is SiteHalf },
            "What filters do at the server needs plain updates: let CKKS be the last, after filters of which the site's half is enough."
        )
        require(
            strategy.sharing == Sharing(), "Under CKKS the whole network is one tensor: share all of it.")
        require(
            strategy.minimumSites >= fewestSites,
            "A sum over fewer than \(fewestSites) sites is not opened: set the minimum of sites to that.")
        return found
    }

    func weight(examples: Int) -> Double { rule == .uniform ? 1 : Double(examples) * Self.weightOfExample }

    func occasion(_ round: Int) -> String { "\(run)\u{0}round \(round)" }

    func secret() throws -> CKKSKey {
        guard let key else {
            throw PrivacyError.setting("A site needs the sites' CKKS key, and has none: give it one.")
        }
        return key
    }

    /// Opens what the server sent.
    func open(_ model: Weights, rounds: ClosedRange<Int>, layout: SealedLayout) throws -> Weights {
        let key = try secret()
        let sealed = try SealedModel(model)
        guard rounds.contains(sealed.round) else {
            throw PrivacyError.forged(
                "The server sent a sealed model of round \(sealed.round) where one of \(rounds.lowerBound) to \(rounds.upperBound) belongs: it is refused."
            )
        }
        switch sealed.content {
        case .vector(let vector):
            guard sealed.round > 0 else {
                throw PrivacyError.forged("A sum came as a model to begin with: it is refused.")
            }
            return try layout.weights(
                of: context.decrypt(vector, key: key, occasion: occasion(sealed.round), fewestSites: fewestSites))
        case .box(let box):
            guard sealed.round == 0,
                let bytes = try? AES.GCM.open(
                    AES.GCM.SealedBox(combined: box), using: boxKey(key),
                    authenticating: Data((run + "\u{0}" + layout.digest).utf8))
            else {
                throw PrivacyError.forged(
                    "The sealed model to begin with was changed on its way, or is of another run or key: it is refused."
                )
            }
            return try layout.weights(of: bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) })
        }
    }

    /// Seals the weights that a run begins with.
    func box(_ weights: Weights, layout: SealedLayout) throws -> Weights {
        let values = try layout.values(of: weights)
        let box = try values.withUnsafeBytes { bytes in
            try AES.GCM.seal(
                Data(bytes), using: boxKey(secret()), authenticating: Data((run + "\u{0}" + layout.digest).utf8))
        }
        let description = SealedModel.description(layout, context.parameters)
        return Weights([try SealedModel(round: 0, .box(box.combined!)).tensor(description)])
    }

    private func boxKey(_ key: CKKSKey) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key.master, info: Data("cohort ckks first weights".utf8), outputByteCount: 32)
    }
}
