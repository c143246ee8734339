import Federation
import Testing

import Privacy

@Suite struct PercentileTests {
    /// Values of NumPy 2.4 and FLARE 2.9's PercentilePrivacy.
    @Test func cutoffIsNumPys() throws {
        var settings = Percentile.Settings()
        let values: [Float] = [5, 1, 3, 2, 4]
        for (percentile, expected) in [(0.0, 1), (10, 1.4), (50, 3), (60, 3.4), (99, 4.96), (100, 5)]
            as [(Double, Double)]
        {
            settings.percentile = percentile
            #expect(abs(try Percentile(settings).cutoff(values.map { -$0 }) - expected) < 1e-6)
        }
    }

    /// NumPy works in float64 where an integer is among the values: then the smaller of two neighbours lies below.
    @Test func cutoffIsRoundedAsNumPyDoes() throws {
        var settings = Percentile.Settings()
        settings.percentile = 25
        let values: [Float] = [1, Float(1).nextUp]
        #expect(try Percentile(settings).cutoff(values) == 1)
        #expect(try Percentile(settings).cutoff(values, inDouble: true) == 1 + 0x1p-25)
    }

    @Test func smallValuesBecomeZeroAndLargeOnesAreClipped() async throws {
        var settings = Percentile.Settings()
        settings.percentile = 40
        settings.gamma = 0.35
        let update = ModelUpdate(
            .difference,
            Weights([Weights.Tensor("a", [0.2, -0.4, 0.6, -0.8, 1], shape: [5]), scalarTensor("n", 1)]), examples: 1,
            steps: 2)
        let sent = try await Percentile(settings).atSite(update, siteA)
        // Of [0.1, 0.2, 0.3, 0.4, 0.5] and the scalar's 0.5 the 40th percentile is 0.3.
        #expect(try sent.floats() == [0, 0, 0.6, -0.7, 0.7])
        #expect(try sent.tensors.weights()["n"]?.bytes.loadUnaligned(as: Int64.self) == 1)
    }

    @Test func whereFLARELetsPassItRefuses() throws {
        for (percentile, gamma) in [(-1.0, 0.01), (101, 0.01), (.nan, 0.01), (10, 0), (10, -1), (10, .infinity)] {
            var settings = Percentile.Settings()
            (settings.percentile, settings.gamma) = (percentile, gamma)
            #expect(throws: PrivacyError.self) { try Percentile(settings) }
        }
        let statement = try Percentile().privacyStatement(values: 10, rounds: 3)
        #expect(statement.epsilon == nil && statement.description.contains("no differential privacy"))
        #expect(statement.description.contains("not a patient-level guarantee"))
    }
}

@Suite struct ExcludeTests {
    private let update = normalUpdate(["head.weight": [3, 2], "body.weight": [4], "body.bias": [2]], deviation: 1)

    @Test(arguments: [
        Exclude.Settings(names: ["body.weight"]), Exclude.Settings(pattern: "y\\.w"),
        Exclude.Settings(names: ["body.weight"], pattern: "^body\\.weight$"),
    ])
    func whatIsExcludedNeverLeavesAndIsZeroAtTheServer(_ settings: Exclude.Settings) async throws {
        let filter = try Exclude(settings)
        let sent = try await filter.atSite(update, siteA)
        #expect(sent.tensors.descriptions.map(\.name).sorted() == ["body.bias", "head.weight", "~exclude.layout"])
        let decoded = try await filter.atServer(sent, siteA).tensors.weights()
        let whole = try update.tensors.weights()
        #expect(decoded["body.weight"]?.floats == [0, 0, 0, 0])
        #expect(decoded["head.weight"]?.floats == whole["head.weight"]?.floats)
        #expect(Set(decoded.descriptions) == Set(whole.descriptions))
    }

    @Test func whatCannotBeLeftOutIsRefused() async throws {
        func refuses(_ settings: Exclude.Settings, _ update: ModelUpdate) async {
            await #expect(throws: PrivacyError.self) { try await Exclude(settings).atSite(update, siteA) }
        }
        await refuses(Exclude.Settings(names: ["misspelt"]), update)
        await refuses(Exclude.Settings(pattern: "^misspelt"), update)
        var whole = update
        whole.content = .weights
        await refuses(Exclude.Settings(pattern: "body"), whole)
        await refuses(Exclude.Settings(pattern: "norm"), normalUpdate(["a": [2]], deviation: 1, counter: true))
        #expect(throws: PrivacyError.self) { try Exclude(Exclude.Settings()) }
        #expect(throws: PrivacyError.self) { try Exclude(Exclude.Settings(pattern: "(")) }
    }

    @Test func aLayoutThatLiesIsRefused() async throws {
        let filter = try Exclude(Exclude.Settings(names: ["body.weight"]))
        let sent = try await filter.atSite(update, siteA).tensors.weights()
        func refuses(_ json: String) async {
            var tensors = sent
            tensors.set(byteTensor("~exclude.layout", Array(json.utf8)))
            await #expect(throws: PrivacyError.self) { try await filter.atServer(update.with(tensors), siteA) }
        }
        await refuses("{}")
        await refuses(#"{"facts":{},"tensors":[{"name":"head.weight","shape":[6]}]}"#)
        await refuses(#"{"facts":{},"tensors":[{"name":"x","shape":[-1]}]}"#)
        await refuses(#"{"facts":{},"tensors":[{"name":"x","shape":[4611686018427387904,4]}]}"#)
        await refuses(#"{"facts":{},"tensors":[{"name":"x","shape":[2]},{"name":"x","shape":[2]}]}"#)
        await #expect(throws: PrivacyError.self) { try await filter.atServer(update, siteA) }
    }
}

@Suite struct BlockerTests {
    @Test func kindsAreBlockedOrAllowed() async throws {
        let update = normalUpdate(["a": [2]], deviation: 1)
        for (settings, passes) in [
            (Blocker.Settings([.weights]), true), (Blocker.Settings([.difference]), false),
            (Blocker.Settings([.weights], allows: true), false), (Blocker.Settings([.difference], allows: true), true),
        ] {
            let blocker = try Blocker(settings)
            if passes {
                #expect(try await blocker.atSite(update, siteA).floats() == update.floats())
            } else {
                await #expect(throws: PrivacyError.self) { try await blocker.atSite(update, siteA) }
            }
        }
        #expect(throws: PrivacyError.self) { try Blocker(Blocker.Settings([])) }
    }
}

@Suite struct FilterOrderTests {
    @Test func whatIsSoundPasses() throws {
        try FilterOrder.check([])
        try FilterOrder.check([.exclude, .blocker, .noise, .percentile, .noise, .sparsify, .quantise, .seal])
        try FilterOrder.check([.noise, .seal])
    }

    @Test func theErrorNamesBothAndTheRightOrder() {
        func expect(_ kinds: [FilterKind], _ texts: String...) {
            do {
                try FilterOrder.check(kinds)
                Issue.record("\(kinds) passed")
            } catch {
                for text in texts { #expect("\(error)".contains(text), "\(error)") }
            }
        }
        expect(
            [.sparsify, .noise], "noise comes after sparsify", "must come before it", "is: noise, sparsify.")
        expect([.quantise, .sparsify], "sparsify comes after quantise", "is: sparsify, quantise.")
        expect([.noise, .seal, .quantise], "quantise comes after seal", "is: noise, quantise, seal.")
        expect([.sparsify, .exclude], "is: exclude, sparsify.")
        expect([.quantise, .quantise], "quantise is there twice")
    }
}
