import Federation

extension RunFile {
    /// Whether stock Flower nodes take part.
    public var hasFlowerNodes: Bool { sites.contains(where: \.isFlowerNode) }

    /// Tells of what Flower's nodes lack, and of what they cannot do.
    func checkFlower(_ reading: inout Reading) {
        guard hasFlowerNodes else {
            for (key, value) in [("fab", flower.fab), ("initial", flower.initial)] where value != nil {
                reading.fault(
                    at: "flower.\(key)", "has no effect: no site is a node of Flower's",
                    "mark one with flower: true, or leave this out")
            }
            return
        }
        let hasCohortSites = !sites.allSatisfy(\.isFlowerNode)
        if flower.fab == nil {
            reading.fault(at: "flower.fab", "is missing", "write the file that flwr build made")
        }
        if hasCohortSites, flower.initial != nil {
            reading.fault(
                at: "flower.initial", "does not go with sites of Cohort's, which give the model to begin with",
                "leave it out")
        } else if !hasCohortSites, flower.initial == nil {
            reading.fault(
                at: "flower.initial", "is missing, and no site of Cohort's gives a model to begin with",
                "write a file of safetensors")
        }
        for (index, site) in sites.enumerated() where site.isFlowerNode {
            for key in site.keysOfCohortAlone {
                reading.fault(
                    at: "sites.\(index).\(key)", "is nothing that a node of Flower's can be told", "leave it out")
            }
        }
        checkWhatFlowerCannot(&reading)
    }

    private func checkWhatFlowerCannot(_ reading: inout Reading) {
        func refuse(_ path: String, if isSo: Bool, _ fact: String, _ remedy: String, _ reading: inout Reading) {
            if isSo { reading.fault(at: path, fact, remedy) }
        }
        refuse(
            "task", if: task != .train, "is \(task.rawValue), and a node of Flower's only trains", "write train",
            &reading)
        refuse(
            "training.warm_up_rounds", if: training.warmUpRounds > 0,
            "is \(training.warmUpRounds), and a node of Flower's trains the whole model", "write 0", &reading)
        refuse(
            "sharing", if: sharing != Sharing(.everything), "keeps tensors back, and a node of Flower's shares all",
            "leave it out", &reading)
        refuse(
            "strategy.update", if: strategy.update != .weights, "is difference, and Flower's apps answer with weights",
            "write weights", &reading)
        refuse(
            "strategy.filters", if: !strategy.filters.isEmpty, "are filters that a node of Flower's does not have",
            "leave them out", &reading)
        refuse(
            "strategy.secure_aggregation", if: strategy.secureAggregation != .plain,
            "needs sites that sign with their certificates, which a node of Flower's does not have", "write none",
            &reading)
        refuse(
            "strategy.modality_weights", if: strategy.weighting.groups != nil,
            "need modalities, which a node of Flower's does not tell", "leave them out", &reading)
        refuse(
            "strategy.model_of_each_modality", if: strategy.modelOfEachModality,
            "needs modalities, which a node of Flower's does not tell", "leave it out", &reading)
        refuse(
            "validation.cross_site", if: validation.crossSite,
            "needs every site's own model, and a node of Flower's sends none", "leave it out", &reading)
    }
}

extension RunFile.Site {
    /// Keys that were written for a site of Cohort's.
    fileprivate var keysOfCohortAlone: [String] {
        let plain = Self()
        return [
            ("dataset", !dataset.isEmpty), ("fold", fold != plain.fold), ("modality", modality != nil),
            ("threads", threads != nil), ("gpu", gpu != nil), ("target_spacing", targetSpacing != nil),
            ("minimum_cases", minimumCases != plain.minimumCases),
        ].filter(\.1).map(\.0)
    }
}
