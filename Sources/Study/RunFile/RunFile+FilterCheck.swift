import Federation
import Privacy

extension RunFile {
    /// Tells of filters that stand in a wrong order, or cannot read what they get.
    func checkFilters(_ reading: inout Reading) {
        let path = "strategy.filters"
        let filters = strategy.filters
        for (index, filter) in filters.enumerated() {
            let place = path.key(String(index))
            let word = filter.word
            if filters[..<index].contains(where: { $0.word == word }) {
                reading.fault(at: place, "is \(word), which is there already", "keep one")
            }
            if filter.needsDifferences, strategy.update == .weights {
                reading.fault(
                    at: place, "is \(word), which works on differences, and strategy.update is weights",
                    "write update: difference")
            }
            if filter == .block(strategy.update) {
                reading.fault(
                    at: place, "lets no \(strategy.update.rawValue) out, and that is what strategy.update sends",
                    "leave it out, or let the run send another kind")
            }
            if case .topK(let settings) = filter, settings.values == .float16,
                let next = filters.first(where: { $0.kind == .quantise })
            {
                reading.fault(
                    at: place, "sends values of 16 bits, which \(next.word) does not read",
                    "leave \(next.word) out, or let top_k send float32")
            }
        }
        reading.attempt(at: path, "do not stand in an order that is sound") {
            try FilterOrder.check(filters.map(\.kind))
        }
    }

    /// Tells of what needs single updates beside sums that hide them.
    func checkSecureAggregation(_ reading: inout Reading) {
        let sealing = strategy.secureAggregation
        guard sealing != .plain else { return }
        let path = "strategy.secure_aggregation"
        let fewest = sealing.fewestSites
        if let there = siteCount, there > 0, there < fewest {
            let remedy =
                there == 2 ? ", or state allow_two_sites: true, with which each learns the other's update" : ""
            reading.fault(
                at: path, "hides an update among \(fewest) sites or more, and there are \(there)",
                "let more take part" + remedy)
        } else if let taken = count(strategy.select), taken > 0, taken < fewest {
            reading.fault(
                at: path,
                "hides an update among \(fewest) sites or more, and strategy.select takes \(taken) in a round",
                "select more")
        }
        if case .given(let weights) = strategy.weighting.rule, weights.values.count(where: { $0 > 0 }) < fewest {
            reading.fault(
                at: "strategy.weights", "leave fewer than \(fewest) sites in the sum, which hides none of them then",
                "weigh more sites above 0")
        }
        func refuse(_ key: String, _ isSo: Bool, _ fact: String, _ remedy: String) {
            if isSo { reading.fault(at: key, fact, remedy) }
        }
        refuse(
            "strategy.aggregation", strategy.aggregation != .mean,
            "is \(strategy.aggregation.node.text), which compares single updates, and secure_aggregation hides them",
            "write mean")
        refuse(
            "strategy.weights", strategy.weighting.rule == .steps,
            "is steps, which are known after training only, and secure_aggregation applies weights before",
            "write examples, uniform, or a weight for every site")
        refuse(
            "strategy.model_of_each_modality", strategy.modelOfEachModality,
            "makes means of some updates, and secure_aggregation opens that of all", "leave it out")
        refuse(
            "validation.cross_site", validation.crossSite,
            "sends every site's own model around, which secure_aggregation hides", "leave it out")
        for (index, filter) in strategy.filters.enumerated() {
            refuse(
                "strategy.filters.\(index)", !filter.leavesFormAlone,
                "is \(filter.word), after which there is nothing that secure_aggregation could add up",
                "leave one of the two out")
        }
        if case .ckks = sealing { checkCKKS(&reading) }
    }

    /// The server can add under CKKS, and do nothing else.
    private func checkCKKS(_ reading: inout Reading) {
        func refuse(_ key: String, _ isSo: Bool, _ fact: String, _ remedy: String) {
            if isSo { reading.fault(at: key, fact, remedy) }
        }
        refuse(
            "strategy.server_optimizer", strategy.serverOptimizer != .replace,
            "reads the model, which the server cannot under ckks", "write none")
        refuse(
            "strategy.weights", strategy.weighting.rule != .examples && strategy.weighting.rule != .uniform,
            "are applied at the sites under ckks, which know of their own cases alone", "write examples or uniform")
        refuse(
            "strategy.modality_weights", strategy.weighting.groups != nil,
            "are applied at the sites under ckks, which know of their own cases alone", "leave them out")
        refuse(
            "sharing", sharing != Sharing(), "keeps tensors back, and under ckks the whole network is one tensor",
            "leave it out")
        refuse(
            "training.warm_up_rounds", training.warmUpRounds > 0,
            "is \(training.warmUpRounds), and under ckks the whole network is shared from the start", "write 0")
    }
}
