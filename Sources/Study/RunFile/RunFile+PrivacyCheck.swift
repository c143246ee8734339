import Federation
import Privacy

extension RunFile {
    /// Looks for what keeps a run from giving the privacy that it promises.
    func checkPrivacy(_ reading: inout Reading) {
        guard let privacy = privacy.differentialPrivacy else { return }
        checkAmounts(privacy, &reading)
        for key in privacy.keysOfTheOtherUnit {
            let other: PrivacyUnit = privacy.unit == .record ? .site : .record
            reading.fault(
                at: Self.privacyPath.key(key), "has no effect: it belongs to unit: \(other.rawValue)", "leave it out")
        }
        switch privacy.unit {
        case .record: checkRecords(privacy, &reading)
        case .site: checkWholeSites(privacy, &reading)
        case nil:
            reading.fault(
                at: Self.privacyPath.key("unit"), "is missing",
                "write record (a case, or a patient) or site (a whole hospital)")
        }
        if validation.crossSite, !privacy.releases.contains(.model) {
            reading.fault(
                at: "validation.cross_site", "sends every site's own model, which no noise protects",
                "write false, or add model to \(Self.privacyPath.key("releases"))")
        }
        if hasFlowerNodes {
            reading.fault(at: Self.privacyPath, "is nothing that a node of Flower's can keep", "leave those nodes out")
        }
    }

    static let privacyPath = "privacy.differential_privacy"

    private func checkAmounts(_ privacy: DifferentialPrivacy, _ reading: inout Reading) {
        let path = Self.privacyPath
        switch (privacy.epsilon, privacy.noiseMultiplier) {
        case (nil, nil):
            reading.fault(at: path.key("epsilon"), "is missing", "write it, or noise_multiplier")
        case (.some, .some):
            reading.fault(at: path.key("epsilon"), "does not go with noise_multiplier", "keep one: the other follows")
        default: break
        }
        if privacy.delta == nil {
            reading.fault(
                at: path.key("delta"), "is missing", "write one well below one over the records, such as 1e-5")
        }
        if privacy.largestGradientNorm != nil {
            reading.fault(at: path.key("max_grad_norm"), "is clipping_norm in FLARE's words", "keep one of the two")
        }
        if Set(privacy.releases).count < privacy.releases.count {
            reading.fault(at: path.key("releases"), "names one of them twice", "keep one")
        }
        if !privacy.releases.contains(.fingerprint) {
            reading.fault(
                at: path.key("releases"), "leaves out fingerprint, which every plan is made of", "add fingerprint")
        }
    }

    private func checkRecords(_ privacy: DifferentialPrivacy, _ reading: inout Reading) {
        let path = Self.privacyPath
        if privacy.mechanism == .laplace {
            reading.fault(
                at: path.key("mechanism"), "is laplace, which hides whole sites alone", "write gaussian, or unit: site")
        }
        if privacy.expectedBatch == nil, training.batchSize == nil {
            reading.fault(
                at: path.key("expected_batch"), "is missing", "write how many records take part in a step on average")
        }
        guard !privacy.releases.contains(.counts) else { return }
        if [.examples, .steps].contains(strategy.weighting.rule), strategy.aggregation == .mean {
            reading.fault(
                at: "strategy.weights",
                "is \(strategy.weighting.rule.node.text), which tells how many cases a site has",
                "write uniform or a weight for each site, or add counts to \(path.key("releases"))")
        }
    }

    private func checkWholeSites(_ privacy: DifferentialPrivacy, _ reading: inout Reading) {
        let path = Self.privacyPath
        if privacy.clippingNorm == nil {
            reading.fault(
                at: path.key("clipping_norm"), "is missing", "write the largest norm of a site's difference, such as 1")
        }
        if privacy.adaptiveClipping != nil, privacy.epsilon != nil {
            reading.fault(
                at: path.key("epsilon"), "does not go with adaptive_clipping, whose bits cost too",
                "write noise_multiplier; cohort privacy plan tells the epsilon")
        }
        if strategy.update != .difference {
            reading.fault(
                at: "strategy.update", "is weights, which cannot be clipped to hide a site", "write difference")
        }
        if [.examples, .steps].contains(strategy.weighting.rule) {
            reading.fault(
                at: "strategy.weights", "is \(strategy.weighting.rule.node.text), which follows from a site's data",
                "write uniform or a weight for each site")
        }
        if strategy.weighting.groups != nil {
            reading.fault(at: "strategy.modality_weights", "do not go with privacy of sites", "leave them out")
        }
        if strategy.aggregation != .mean {
            reading.fault(
                at: "strategy.aggregation", "is \(strategy.aggregation.node.text), to which no noise can be fitted",
                "write mean")
        }
        if strategy.modelOfEachModality {
            reading.fault(
                at: "strategy.model_of_each_modality", "is a mean without noise of its own", "leave it out")
        }
        if let adaptive = privacy.adaptiveClipping, adaptive.fewestSites > strategy.minimumSites {
            reading.fault(
                at: path.key("adaptive_clipping").key("fewest_sites"),
                "is \(adaptive.fewestSites), and a round may end with \(strategy.minimumSites) sites, whose bits would be paid "
                    + "for and not be used", "write \(strategy.minimumSites) or less, or raise strategy.minimum_sites")
        }
        if privacy.mechanism == .laplace, case .shared = privacy.noise {
            reading.fault(
                at: path.key("mechanism"), "is laplace, of which sites cannot make parts: they do not add up to it",
                "write gaussian, or noise: server")
        }
        checkNoise(privacy, &reading)
        if case .shared(let sites) = privacy.noise {
            if strategy.minimumSites < sites {
                reading.fault(
                    at: "strategy.minimum_sites",
                    "is \(strategy.minimumSites), and the noise is shared among \(sites) sites", "write \(sites)")
            }
        } else if strategy.secureAggregation != .plain {
            reading.fault(
                at: path.key("noise"),
                "is server, which must see each update to tell that it is clipped, and secure_aggregation hides them",
                "let sites make the noise: noise: {shared: \(max(3, strategy.minimumSites))}")
        } else if !strategy.filters.isEmpty {
            reading.fault(
                at: "strategy.filters", "change what was clipped before the server adds its noise",
                "leave them out, or let sites make the noise: noise: {shared: \(max(2, strategy.minimumSites))}")
        }
    }
}

extension RunFile {
    /// Looks for noise that no site could make, or that a secure sum would cut off: each round would be booked, trained and
    /// then refused.
    private func checkNoise(_ privacy: DifferentialPrivacy, _ reading: inout Reading) {
        let path = Self.privacyPath
        let amount = path.key(privacy.epsilon == nil ? "noise_multiplier" : "epsilon")
        // What is missing is told elsewhere.
        guard privacy.clippingNorm != nil, privacy.epsilon != nil || privacy.noiseMultiplier != nil,
            privacy.delta != nil,
            !reading.faults.contains(where: { $0.path.hasPrefix(path) || $0.path.hasPrefix("training") })
        else { return }
        let settings: SiteLevelSettings
        do {
            settings = try privacy.siteLevel(of: self)
            try settings.validate()
        } catch {
            reading.fault(at: amount, "asks for noise that cannot be made: \(error)", "allow less noise")
            return
        }
        guard case .sum(let sum) = strategy.secureAggregation, let part = settings.largestPart else { return }
        // Of what is normal with a quarter of the range as its deviation, 6 of 100,000 values lie beyond.
        guard part > sum.clippingRange / 4 else { return }
        let wide = (part * 4).rounded(.up)
        reading.fault(
            at: "strategy.secure_aggregation",
            "cuts values off at ±\(sum.clippingRange.scalar), and a site's part of the noise has the standard deviation "
                + "\(((part * 1000).rounded() / 1000).scalar)",
            "write clipping_range: \(wide.scalar), or clip and noise less")
    }
}

extension RunFile.DifferentialPrivacy {
    /// Keys that were written, and that the unit has no use for.
    fileprivate var keysOfTheOtherUnit: [String] {
        let ofRecords = [
            ("expected_batch", expectedBatch != nil), ("patches_per_record", patchesPerRecord != nil),
            ("patients", patients != nil),
        ]
        let ofSites = [("noise", noise != nil), ("adaptive_clipping", adaptiveClipping != nil)]
        return switch unit {
        case .record: ofSites.filter(\.1).map(\.0)
        case .site: ofRecords.filter(\.1).map(\.0)
        case nil: []
        }
    }
}
