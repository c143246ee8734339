import Federation
import FederationTesting
import Testing

@Suite struct AggregationTests {
    private func contribution(
        _ site: SiteDescription, seed: Int, plan: SharingPlan, weighting: SiteWeighting = SiteWeighting(),
        content: ModelUpdate.Content = .weights, global: Weights? = nil
    ) throws -> Contribution {
        let shared = Set(plan.expectation(of: site.name).map(\.name))
        var weights = toyWeights(site, seed: seed).keeping { shared.contains($0) }
        if content == .difference {
            let base = plan.model(of: site.name, from: global!)
            weights = Weights(
                weights.tensors.map { tensor in
                    Weights.Tensor(
                        tensor.name, zip(tensor.floats!, base[tensor.name]!.floats!).map { $0 - $1 },
                        shape: tensor.shape)
                })
        }
        return Contribution(
            site: site, content: content, tensors: weights,
            weight: try weighting.weight(of: site, examples: site.examples, steps: 3))
    }

    private func global(_ plan: SharingPlan) -> Weights {
        Weights(plan.shares.enumerated().map { tensor($1.tensor.name, $1.tensor.shape, seed: 99 + $0) })
    }

    @Test func theMeanIsWeighedByExamples() throws {
        let sites = [toySite("a", examples: 1), toySite("b", examples: 3), toySite("c", examples: 6)]
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let parts = try sites.enumerated().map { try contribution($1, seed: $0, plan: plan) }
        let mean = try WeightedMean().combine(parts, plan: plan, global: global(plan))
        for name in mean.names {
            let values = sites.indices.map {
                toyWeights(sites[$0], seed: $0)[plan.shares.first { $0.tensor.name == name }!.members["a"]!]!.floats!
            }
            for i in values[0].indices {
                let expected = 0.1 * Double(values[0][i]) + 0.3 * Double(values[1][i]) + 0.6 * Double(values[2][i])
                #expect(abs(Double(mean[name]!.floats![i]) - expected) < 1e-6)
            }
        }
    }

    /// More sites than are read at once, and tensors that end within a vector.
    @Test(arguments: [1, 2, 16, 17, 40])
    func theMeanIsSummedInTheOrderOfNames(count: Int) throws {
        let shape = [3, 20_011]
        let sites = (0..<count).map { index in
            let role = TensorRole(TensorDescription(name: "x", shape: shape))
            return SiteDescription(name: "site\(10 + index)", examples: index + 1, tensors: [role])
        }
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let parts = try sites.enumerated().map { index, site in
            Contribution(
                site: site, content: .weights, tensors: Weights([tensor("x", shape, seed: index)]),
                weight: try SiteWeighting().weight(of: site, examples: site.examples, steps: 1))
        }
        let mean = try WeightedMean().combine(parts, plan: plan, global: Weights([tensor("x", shape, seed: 99)]))
        let values = sites.indices.map { tensor("x", shape, seed: $0).floats! }
        let total = Double(count * (count + 1) / 2)
        let expected = (0..<shape[0] * shape[1]).map { i in
            Float(sites.indices.reduce(0.0) { $0 + Double($1 + 1) / total * Double(values[$1][i]) })
        }
        #expect(mean["x"]?.floats == expected)
    }

    @Test func differencesGiveWhatWeightsGive() throws {
        let sites = [toySite("a", examples: 2), toySite("b", examples: 5)]
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let before = global(plan)
        let whole = try WeightedMean().combine(
            sites.enumerated().map { try contribution($1, seed: $0, plan: plan) }, plan: plan, global: before)
        let difference = try WeightedMean().combine(
            sites.enumerated().map {
                try contribution($1, seed: $0, plan: plan, content: .difference, global: before)
            }, plan: plan, global: before)
        for name in whole.names {
            for (a, b) in zip(whole[name]!.floats!, difference[name]!.floats!) { #expect(abs(a - b) < 1e-6) }
        }
    }

    /// Tensors larger than a tile, in memory and in files, in types of every kind.
    @Test func filesGiveTheSameBitsAsMemory() throws {
        let description = TensorDescription(name: "large", shape: [3, 20_011])
        let sites = ["a", "b", "c"].enumerated().map {
            SiteDescription(name: $1, examples: $0 + 1, tensors: [TensorRole(description)])
        }
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let before = Weights([tensor("large", [3, 20_011], seed: 1)])
        let folder = try TemporaryFolder()
        var inMemory: [Contribution] = []
        var inFiles: [Contribution] = []
        for (index, site) in sites.enumerated() {
            let weights = Weights([tensor("large", [3, 20_011], seed: index)])
            let file = folder.url.appending(path: site.name)
            try WeightsFile.write(weights, to: file)
            let weight = try SiteWeighting().weight(of: site, examples: index + 1, steps: 1)
            inMemory.append(Contribution(site: site, content: .weights, tensors: weights, weight: weight))
            inFiles.append(
                Contribution(site: site, content: .weights, tensors: try WeightsFile(file), weight: weight))
        }
        for aggregator: any Aggregator in [
            WeightedMean(), RobustMean.coordinateMedian, RobustMean.trimmed(share: 0.34),
        ] {
            let a = try aggregator.combine(inMemory, plan: plan, global: before)
            let b = try aggregator.combine(inFiles, plan: plan, global: before)
            #expect(a == b)
        }
    }

    @Test(arguments: 1...17)
    func robustMeansAreThoseOfSortedValues(count: Int) throws {
        let sites = (0..<count).map { toySite(String(UnicodeScalar(97 + $0)!)) }
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let parts = try sites.enumerated().map { try contribution($1, seed: $0, plan: plan) }
        let median = try RobustMean.coordinateMedian.combine(parts, plan: plan, global: global(plan))
        let trimmed = try RobustMean.trimmed(share: 0.2).combine(parts, plan: plan, global: global(plan))
        for share in plan.shares {
            let values = sites.enumerated().map { toyWeights($1, seed: $0)[share.members[$1.name]!]!.floats! }
            for i in values[0].indices {
                let sorted = values.map { $0[i] }.sorted()
                let middle = (Double(sorted[(count - 1) / 2]) + Double(sorted[count / 2])) / 2
                #expect(abs(Double(median[share.tensor.name]!.floats![i]) - middle) < 1e-7)
                let cut = Int(0.2 * Double(count))
                let kept = sorted[cut..<count - cut]
                let mean = kept.reduce(0.0) { $0 + Double($1) } / Double(kept.count)
                #expect(abs(Double(trimmed[share.tensor.name]!.floats![i]) - mean) < 1e-6)
            }
        }
    }

    @Test func krumLeavesOutTheSiteThatIsFarAway() throws {
        let sites = (0..<7).map { toySite("site\($0)") }
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        var parts: [Contribution] = []
        for (index, site) in sites.enumerated() {
            let base = toyWeights(site, seed: 1)
            let shift: Float = index == 3 ? 50 : Float(index) * 0.001
            let weights = Weights(
                base.tensors.map { Weights.Tensor($0.name, $0.floats!.map { $0 + shift }, shape: $0.shape) })
            parts.append(
                Contribution(
                    site: site, content: .weights, tensors: weights,
                    weight: try SiteWeighting(.uniform).weight(of: site, examples: 1, steps: 1)))
        }
        let chosen = try Krum(faulty: 1).combine(parts, plan: plan, global: global(plan))
        let many = try Krum(faulty: 2, chosen: 5).combine(parts, plan: plan, global: global(plan))
        for weights in [chosen, many] {
            for tensor in weights.tensors {
                let base = toyWeights(sites[0], seed: 1)[
                    plan.shares.first { $0.tensor.name == tensor.name }!.members["site0"]!]!
                for (a, b) in zip(tensor.floats!, base.floats!) { #expect(abs(a - b) < 0.01) }
            }
        }
        #expect(throws: FederationError.self) {
            try Krum(faulty: 3).combine(parts, plan: plan, global: global(plan))
        }
    }

    // MARK: Who shares what

    @Test func decodersOfOtherDepthMeetAtTheirLevel() throws {
        let deep = toySite("deep", levels: 4)
        let flat = toySite("flat", levels: 3)
        let plan = try SharingPlan(sites: [deep, flat], sharing: Sharing())
        let share = try #require(plan.shares.first { $0.tensor.name == "decoder.level0.weight" })
        #expect(share.members == ["deep": "decoder.2.weight", "flat": "decoder.1.weight"])
        // The lowest level of the deep network is nobody else's.
        #expect(plan.localTensors(of: deep) == ["encoder.3.weight", "encoder.3.norm", "decoder.0.weight"])
        #expect(plan.localTensors(of: flat) == [])
        let global = Weights(plan.shares.map { tensor($0.tensor.name, $0.tensor.shape, seed: 3) })
        #expect(
            plan.model(of: "flat", from: global)["decoder.1.weight"]?.floats == global["decoder.level0.weight"]?.floats)
    }

    @Test func aTensorIsAveragedOverThoseThatHaveIt() throws {
        let sites = [
            toySite("a", levels: 4), toySite("b", levels: 4, channels: 2), toySite("c", levels: 3, channels: 2),
        ]
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        // Inputs of two channels meet; that of one channel stays at home.
        #expect(plan.shares.first { $0.tensor.shape == [8, 2] }?.members.keys.sorted() == ["b", "c"])
        #expect(plan.localTensors(of: sites[0]) == ["encoder.0.conv.weight"])
        let lowest = try #require(plan.shares.first { $0.tensor.name == "encoder.3.weight" })
        #expect(lowest.members.keys.sorted() == ["a", "b"])
        let parts = try sites.enumerated().map { try contribution($1, seed: $0, plan: plan) }
        let mean = try WeightedMean().combine(parts, plan: plan, global: global(plan))
        let expected = zip(
            toyWeights(sites[0], seed: 0)["encoder.3.weight"]!.floats!,
            toyWeights(sites[1], seed: 1)["encoder.3.weight"]!.floats!
        ).map { ($0 + $1) / 2 }
        for (a, b) in zip(mean["encoder.3.weight"]!.floats!, expected) { #expect(abs(a - b) < 1e-6) }
    }

    @Test func theBackboneLeavesInputsAndHeadsToSitesOfOneKind() throws {
        let sites = [
            toySite("ct1", labels: 3), toySite("ct2", labels: 3), toySite("mr", channels: 2, labels: 2),
        ]
        let plan = try SharingPlan(sites: sites, sharing: Sharing(.backbone))
        let heads = plan.shares.filter { $0.tensor.name.hasPrefix("head") }
        #expect(heads.map { $0.members.keys.sorted() } == [["ct1", "ct2"], ["mr"]])
        #expect(plan.shares.first { $0.tensor.name == "encoder.1.weight" }?.members.count == 3)
        let alone = try SharingPlan(sites: sites, sharing: Sharing(.backbone, averagesWithinKind: false))
        #expect(alone.localTensors(of: sites[0]) == ["encoder.0.conv.weight", "head.weight"])
    }

    @Test func normsAndPatternsStayAtHome() throws {
        let sites = [toySite("a"), toySite("b")]
        let plan = try SharingPlan(
            sites: sites, sharing: Sharing(.allButNormalisation, localPatterns: ["decoder.*.weight"]))
        #expect(
            plan.localTensors(of: sites[0]) == [
                "encoder.0.norm", "encoder.1.norm", "encoder.2.norm", "decoder.0.weight", "decoder.1.weight",
            ])
    }

    @Test func networksWithNothingInCommonAreRefused() {
        let a = SiteDescription(name: "a", examples: 1, tensors: [TensorRole(TensorDescription(name: "x", shape: [2]))])
        let b = SiteDescription(name: "b", examples: 1, tensors: [TensorRole(TensorDescription(name: "x", shape: [3]))])
        #expect(throws: FederationError.self) { try SharingPlan(sites: [a, b], sharing: Sharing()) }
    }

    // MARK: Modalities

    @Test func groupsWeighAsGiven() throws {
        let sites = [
            toySite("ct1", examples: 30, modality: "CT"), toySite("ct2", examples: 10, modality: "CT"),
            toySite("mr", examples: 500, modality: "MR"),
        ]
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let weighting = SiteWeighting(.examples, groups: ["CT": 0.6, "MR": 0.4])
        let parts = try sites.enumerated().map { try contribution($1, seed: $0, plan: plan, weighting: weighting) }
        let mean = try WeightedMean().combine(parts, plan: plan, global: global(plan))
        let name = "encoder.1.weight"
        for i in 0..<8 {
            let v = sites.indices.map { Double(toyWeights(sites[$0], seed: $0)[name]!.floats![i]) }
            let expected = 0.6 * (0.75 * v[0] + 0.25 * v[1]) + 0.4 * v[2]
            #expect(abs(Double(mean[name]!.floats![i]) - expected) < 1e-6)
        }
        // Of a dataset and modality counts before that of the modality.
        let special = SiteWeighting(.examples, groups: ["CT": 0.6, "Dataset001_MR": 0.4])
        #expect(try special.weight(of: sites[2], examples: 1, steps: 1).groupWeight == 0.4)
        #expect(throws: FederationError.self) {
            try SiteWeighting(.examples, groups: ["CT": 1]).weight(of: sites[2], examples: 1, steps: 1)
        }
    }

    @Test func groupsWithoutWeightsGiveThePlainMean() throws {
        let sites = [toySite("a", examples: 3, modality: "CT"), toySite("b", examples: 5, modality: "MR")]
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let byCases = SiteWeighting(.examples, groups: ["CT": 3, "MR": 5])
        let plain = try WeightedMean().combine(
            sites.enumerated().map { try contribution($1, seed: $0, plan: plan) }, plan: plan, global: global(plan))
        let grouped = try WeightedMean().combine(
            sites.enumerated().map { try contribution($1, seed: $0, plan: plan, weighting: byCases) }, plan: plan,
            global: global(plan))
        for name in plain.names {
            for (a, b) in zip(plain[name]!.floats!, grouped[name]!.floats!) { #expect(abs(a - b) < 1e-6) }
        }
    }

    @Test func sitesWithoutCasesLeaveTheModelAsItWas() throws {
        let sites = [toySite("a", examples: 0), toySite("b", examples: 0)]
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let before = global(plan)
        let after = try WeightedMean().combine(
            sites.enumerated().map { try contribution($1, seed: $0, plan: plan) }, plan: plan, global: before)
        #expect(after == before)
    }

    // MARK: Types

    @Test func halfPrecisionGoesThereAndBack() async throws {
        let weights = Weights([tensor("a", [40_000], seed: 1)])
        let update = ModelUpdate(.weights, weights, examples: 1, steps: 1)
        let context = FilterContext(round: 1, site: "a")
        let sent = try await HalfPrecision().atSite(update, context)
        #expect(sent.tensors.byteCount * 2 == weights.byteCount)
        let back = try await HalfPrecision().atServer(sent, context)
        for (a, b) in zip(weights["a"]!.floats!, try back.tensors.weights()["a"]!.floats!) {
            #expect(abs(a - b) <= abs(a) / 2048 + 1e-7)
        }
    }

    @Test(arguments: [ScalarType.float64, .float16, .bfloat16, .int64, .int32, .uint8])
    func everyTypeIsAveraged(type: ScalarType) throws {
        let a = try Weights([Weights.Tensor("x", [2, 4, 6], shape: [3])]).converted(to: type)
        let b = try Weights([Weights.Tensor("x", [4, 6, 8], shape: [3])]).converted(to: type)
        let sites = ["a", "b"].map {
            SiteDescription(
                name: $0, examples: 1, tensors: [TensorRole(TensorDescription(name: "x", shape: [3], type: type))])
        }
        let plan = try SharingPlan(sites: sites, sharing: Sharing())
        let weight = try SiteWeighting(.uniform).weight(of: sites[0], examples: 1, steps: 1)
        let mean = try WeightedMean().combine(
            zip(sites, [a, b]).map { Contribution(site: $0, content: .weights, tensors: $1, weight: weight) },
            plan: plan, global: a)
        #expect(try ConvertedTensors(mean, from: type, to: .float32).weights()["x"]!.floats! == [3, 5, 7])
    }
}
