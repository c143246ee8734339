import Federation
import FederationTesting
import Foundation
import Privacy
import Testing

@Suite struct TopKTests {
    private func settings(
        _ fraction: Double, _ values: TopK.Settings.Values = .float32, feedsBack: Bool = false
    ) -> TopK.Settings {
        var settings = TopK.Settings()
        (settings.fraction, settings.values, settings.feedsBack) = (fraction, values, feedsBack)
        return settings
    }

    @Test func theLargestOfAllTensorsArrive() async throws {
        let update = ModelUpdate(
            .difference,
            Weights([
                Weights.Tensor("b", [1, -5, 0.5, 0], shape: [2, 2]), scalarTensor("n", 3),
                Weights.Tensor("a", [0.1, 4, -0.2], shape: [3]),
            ]), examples: 1, steps: 1)
        let filter = try TopK(settings(0.4))
        let sent = try await filter.atSite(update, siteA)
        #expect(sent.tensors.descriptions.map(\.name) == ["n", "~top-k.values", "~top-k.places", "~top-k.layout"])
        let decoded = try await filter.atServer(sent, siteA).tensors.weights()
        #expect(decoded["b"]?.floats == [1, -5, 0, 0])
        #expect(decoded["a"]?.floats == [0, 4, 0])
        #expect(decoded["n"]?.bytes.loadUnaligned(as: Int64.self) == 3)
        #expect(Set(decoded.descriptions) == Set(update.tensors.descriptions))
    }

    /// Beside sorting; with many ties, of which those that come first are sent.
    @Test(arguments: [0.001, 0.01, 0.1, 0.5, 1])
    func everyShareIsRightInBothCodesAndByTiles(_ fraction: Double) async throws {
        var random = TestRandom(3)
        let count = 60_000
        let values = random.floats(count).map { ($0 * 500).rounded() / 500 }
        let update = ModelUpdate(
            .difference,
            Weights([
                Weights.Tensor("a", Array(values[..<70]), shape: [7, 10]),
                Weights.Tensor("b", Array(values[70...]), shape: [count - 70]),
            ]), examples: 1, steps: 1)
        let filter = try TopK(settings(fraction))
        let sent = try await filter.atSite(update, siteA)
        let decoded = try await filter.atServer(sent, siteA).floats()
        let kept = Int((Double(count) * fraction).rounded(.up))
        let order = values.indices.sorted {
            values[$0].magnitude == values[$1].magnitude
                ? $0 < $1 : values[$0].magnitude > values[$1].magnitude
        }
        var expected = [Float](repeating: 0, count: count)
        for place in order.prefix(kept) { expected[place] = values[place] }
        #expect(decoded == expected)
        let parts = Dictionary(uniqueKeysWithValues: sent.tensors.descriptions.map { ($0.name, $0.byteCount) })
        #expect(parts["~top-k.values"] == 4 * kept)
        // One bit for each there is, or about a byte for each that is sent.
        let bitmap = (count + 7) / 8
        #expect(fraction > 0.2 ? parts["~top-k.places"] == bitmap : parts["~top-k.places"]! < min(bitmap, 2 * kept + 1))
        // Any stretch can be read by itself, whatever its bounds.
        let tensors = try await filter.atServer(sent, siteA).tensors
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
        defer { scratch.deallocate() }
        let whole = expected[70...].withUnsafeBytes { Array($0) }
        for start in stride(from: 1, to: whole.count - 4096, by: 7919) {
            let range = start..<start + 1001
            let bytes = try tensors.withBytes(of: 1, in: range, scratch: scratch) { Array($0) }
            #expect(bytes == Array(whole[range]))
        }
    }

    /// Differences lie where float16 has few digits or none; a power of two brings them where it has eleven.
    @Test func halvesKeepElevenDigitsOfSmallDifferences() async throws {
        let update = normalUpdate(["a": [5000]], deviation: 1e-8)
        let filter = try TopK(settings(0.1, .float16))
        let sent = try await filter.atSite(update, siteA)
        #expect(sent.tensors.descriptions.contains { $0.name == "~top-k.values" && $0.byteCount == 1000 })
        let (decoded, whole) = (try await filter.atServer(sent, siteA).floats(), try update.floats())
        #expect(decoded.filter { $0 != 0 }.count == 500)
        for (a, b) in zip(decoded, whole) where a != 0 { #expect(abs(a / b - 1) <= 0x1p-11) }
    }

    @Test func whatIsLeftOutComesLater() async throws {
        let folder = try TemporaryFolder()
        for values in TopK.Settings.Values.allCases {
            let filter = try TopK(
                settings(0.25, values, feedsBack: true), folder: folder.url.appending(path: "\(values)"))
            let update = ModelUpdate(
                .difference, Weights([Weights.Tensor("a", [0.3, 1, -0.2, 0.45], shape: [4])]), examples: 1, steps: 1)
            var sum = [Float](repeating: 0, count: 4)
            for round in 1...40 {
                let context = FilterContext(round: round, site: "site/a")
                let sent = try await filter.atSite(update, context)
                sum = zip(sum, try await filter.atServer(sent, context).floats()).map { $0 + $1 }
                try await tellReceipt(of: round, to: filter, "site/a")
            }
            // What came and what the site still holds is all there was, but for float32's own rounding; and the site holds
            // no more than a few rounds' worth.
            let rest = try rest(in: folder.url.appending(path: "\(values)"), after: 40, values: 4)
            for (index, value) in ([0.3, 1, -0.2, 0.45] as [Float]).enumerated() {
                #expect(abs(sum[index] + rest[index] - 40 * value) < 1e-4, "\(sum) \(rest)")
                #expect(abs(rest[index]) < 2.1, "\(rest)")
            }
        }
    }

    @Test func aRoundThatComesAgainGivesTheSameBytes() async throws {
        let folder = try TemporaryFolder()
        let update = normalUpdate(["a": [30, 10]], deviation: 1)
        func sent(_ round: Int) async throws -> Weights {
            // Another process each time: nothing is kept in memory.
            try await TopK(settings(0.1, feedsBack: true), folder: folder.url)
                .atSite(update, FilterContext(round: round, site: "a")).tensors.weights()
        }
        let filter = try TopK(settings(0.1, feedsBack: true), folder: folder.url)
        let first = try await sent(1)
        // The site crashes before its update is sent, and trains the round again.
        #expect(try await sent(1) == first)
        try await tellReceipt(of: 1, to: filter, "a")
        // The server crashes before it has ended the round, which comes again.
        #expect(try await sent(1) == first)
        try await tellReceipt(of: 1, to: filter, "a")
        try await tellReceipt(of: 1, to: filter, "a")  // it may say so twice
        let second = try await sent(2)
        #expect(second != first)
        // Round 2 came too late for the server: round 3 begins from what round 1 left, and not from what round 2 did.
        #expect(try await sent(3) == second)
        try await tellReceipt(of: 3, to: filter, "a")
        let fourth = try await sent(4)
        #expect(fourth != second)
        #expect(try await sent(4) == fourth)
        // Of another site there is nothing.
        let other = try await filter.atSite(update, FilterContext(round: 4, site: "b")).tensors.weights()
        #expect(other == first)
        await #expect(throws: PrivacyError.self) { try await tellReceipt(of: 9, to: filter, "a") }
        await #expect(throws: PrivacyError.self) { try await filter.answer(Data("received".utf8), site: "a") }
        // Only what a round may begin from is left: round 3's, and what round 4 waits with.
        let folders = try FileManager.default.contentsOfDirectory(at: folder.url, includingPropertiesForKeys: nil)
        #expect(folders.count == 2)
        let files = try folders.map { try FileManager.default.contentsOfDirectory(atPath: $0.path).sorted() }
        #expect(files.contains(["3.received.safetensors", "4.pending.safetensors"]))
    }

    @Test func whatCannotBeSparseIsRefused() async throws {
        var update = normalUpdate(["a": [20]], deviation: 1)
        let filter = try TopK(settings(0.5))
        let sent = try await filter.atSite(update, siteA)
        await #expect(throws: PrivacyError.self) { try await filter.atSite(sent, siteA) }  // twice
        update.content = .weights
        await #expect(throws: PrivacyError.self) { try await filter.atSite(update, siteA) }
        update.content = .difference
        // A site without a folder would drop what it leaves out.
        await #expect(throws: PrivacyError.self) {
            try await TopK(settings(0.5, feedsBack: true)).atSite(update, siteA)
        }
        for fraction in [0, -0.1, 1.01, .nan] { #expect(throws: PrivacyError.self) { try TopK(settings(fraction)) } }
    }
}

@Suite struct QuantiseTests {
    private func settings(_ width: Quantise.Settings.Width, feedsBack: Bool = false) -> Quantise.Settings {
        var settings = Quantise.Settings()
        (settings.width, settings.feedsBack) = (width, feedsBack)
        return settings
    }

    @Test(arguments: Quantise.Settings.Width.allCases)
    func everyValueIsAtMostHalfAStepOff(_ width: Quantise.Settings.Width) async throws {
        let update = normalUpdate(["a": [40, 50], "b": [30], "zero": [3]], deviation: 1e-3, counter: true)
        var weights = try update.tensors.weights()
        weights.set(Weights.Tensor("zero", [0, 0, 0], shape: [3]))
        let filter = Quantise(settings(width))
        let sent = try await filter.atSite(update.with(weights), siteA)
        let size = sent.tensors.descriptions.first { $0.name == "~quantise.values" }
        #expect(size?.byteCount == 2033 * width.rawValue / 8)
        let decoded = try await filter.atServer(sent, siteA).tensors.weights()
        #expect(Set(decoded.descriptions) == Set(weights.descriptions))
        let codes: Float = width == .eight ? 127 : 32767
        for tensor in weights.tensors where tensor.name != "norm.num_batches_tracked" {
            let values = tensor.floats!
            let step = values.map(\.magnitude).max()! / codes
            for (a, b) in zip(decoded[tensor.name]!.floats!, values) { #expect(abs(a - b) <= step * 0.5001) }
        }
        #expect(decoded["norm.num_batches_tracked"]?.bytes.loadUnaligned(as: Int64.self) == 17)
        #expect(decoded["zero"]?.floats == [0, 0, 0])
    }

    /// A value below half a step would never be sent: fed back, the sum over rounds stays within half a step.
    @Test func whatRoundingTakesAwayComesLater() async throws {
        let folder = try TemporaryFolder()
        let filter = Quantise(settings(.eight, feedsBack: true), folder: folder.url)
        let update = ModelUpdate(
            .difference, Weights([Weights.Tensor("a", [1, 0.003, -0.001], shape: [3])]), examples: 1, steps: 1)
        var sum = [Float](repeating: 0, count: 3)
        for round in 1...50 {
            let context = FilterContext(round: round, site: "a")
            let sent = try await filter.atSite(update, context)
            let again = try await filter.atSite(update, context)
            #expect(try sent.tensors.weights() == again.tensors.weights())
            sum = zip(sum, try await filter.atServer(sent, context).floats()).map { $0 + $1 }
            try await tellReceipt(of: round, to: filter, "a")
        }
        for (a, b) in zip(sum, [50, 0.15, -0.05] as [Float]) { #expect(abs(a - b) < 0.005, "\(sum)") }
    }

    /// After top-k, whose values stand for other places in every round.
    @Test func theRestOfSparseValuesIsKeptAtTheirPlaces() async throws {
        let folder = try TemporaryFolder()
        let sparse = try TopK(
            {
                var settings = TopK.Settings()
                settings.fraction = 0.5
                return settings
            }(), folder: folder.url)
        let filter = Quantise(settings(.eight, feedsBack: true), folder: folder.url)
        // In turn one half and the other is sent.
        let update = ModelUpdate(
            .difference, Weights([Weights.Tensor("a", [1, 0.503, 0.997, 0.5], shape: [4])]), examples: 1, steps: 1)
        var sum = [Float](repeating: 0, count: 4)
        for round in 1...60 {
            let context = FilterContext(round: round, site: "a")
            let sent = try await filter.atSite(try await sparse.atSite(update, context), context)
            let received = try await sparse.atServer(try await filter.atServer(sent, context), context)
            sum = zip(sum, try received.floats()).map { $0 + $1 }
            for filter in [filter, sparse] as [any UpdateFilter] { try await tellReceipt(of: round, to: filter, "a") }
        }
        for (a, b) in zip(sum, [60, 30.18, 59.82, 30] as [Float]) { #expect(abs(a - b) < 2, "\(sum)") }
        let rest = try rest(in: folder.url, after: 60, values: 4)
        // What arrived and what both filters still hold is all there was, but for float32's own rounding.
        for (index, value) in ([60, 30.18, 59.82, 30] as [Float]).enumerated() {
            #expect(abs(sum[index] + rest[index] - value) < 1e-3, "\(sum) \(rest)")
        }
        // Halves have 16 bits already.
        var halves = TopK.Settings()
        (halves.values, halves.feedsBack) = (.float16, false)
        let small = try await TopK(halves).atSite(update, siteA)
        await #expect(throws: PrivacyError.self) { try await filter.atSite(small, siteA) }
    }

    @Test func wholeWeightsCanBeQuantised() async throws {
        var update = normalUpdate(["a": [200]], deviation: 1)
        update.content = .weights
        let filter = Quantise(settings(.sixteen))
        let decoded = try await filter.atServer(try await filter.atSite(update, siteA), siteA)
        #expect(zip(try decoded.floats(), try update.floats()).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func settingsAndInputAreChecked() async throws {
        let update = normalUpdate(["a": [20]], deviation: 1)
        let filter = Quantise(settings(.eight))
        let sent = try await filter.atSite(update, siteA)
        await #expect(throws: PrivacyError.self) { try await filter.atSite(sent, siteA) }
        await #expect(throws: PrivacyError.self) {
            try await Quantise(settings(.eight, feedsBack: true)).atSite(update, siteA)
        }
        await #expect(throws: PrivacyError.self) {
            try await filter.atSite(
                update.with(Weights([Weights.Tensor("a", [.infinity], shape: [1])])), siteA)
        }
    }
}

/// What the filters' folders together hold after a round, for a model of one tensor.
func rest(in folder: URL, after round: Int, values: Int) throws -> [Float] {
    var rest = [Float](repeating: 0, count: values)
    for sub in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
        for tensor in try WeightsFile(sub.appending(path: "\(round).received.safetensors")).weights().tensors {
            let floats = try #require(tensor.floats)
            try #require(floats.count == values)
            rest = zip(rest, floats).map { $0 + $1 }
        }
    }
    return rest
}

/// What the server says after training, as it says it.
func tellReceipt(of round: Int, to filter: some UpdateFilter, _ site: String) async throws {
    var receipt = try #require(filter.exchange(.afterTraining, round: round))
    #expect(filter.exchange(.beforeTraining, round: round) == nil)
    #expect(receipt.goesOnWithoutLostSites && receipt.addressee == .filter(filter.name) && receipt.round == round)
    let questions = try #require(try receipt.next([:], sites: [site]))
    let answer = try await filter.answer(try #require(questions[site]), site: site)
    #expect(try receipt.next([site: answer], sites: [site]) == nil)
}
