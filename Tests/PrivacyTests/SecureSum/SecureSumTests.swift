import Federation
import FederationTesting
import Testing

import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct SecureSumTests {
    /// Whether the opened update is, bit for bit, what the plain integer sum of the survivors gives.
    private func expectExact(
        _ opened: OpenedUpdate, _ sum: SumFixture, over survivors: [String], of all: [String]
    ) throws {
        #expect(opened.sites == survivors)
        let means = try opened.tensors.weights()
        for share in sum.plan.shares {
            #expect(means[share.tensor.name]?.floats == sum.mean(share, over: survivors, of: all))
        }
    }

    /// Five sites, of which any may be lost before sealing, and any of the others while the sum is opened, at this step; more
    /// than half of them must help, or more than two thirds.
    @Test(arguments: [1, 2], [3, 4])
    func everyPatternOfDropOutsGivesTheSumOfTheSurvivorsOrNothing(step: Int, threshold: Int) async throws {
        var sum = try SumFixture(5, threshold: threshold == 3 ? 0.5 : SecureSumSettings().threshold)
        var (opened, refused) = (0, 0)
        for pattern in 0..<243 {
            // Of every site: it takes part to the end, it sends no update, it is lost after its update.
            var digits = pattern
            var fate: [String: Int] = [:]
            for site in sum.sites {
                fate[site] = digits % 3
                digits /= 3
            }
            let survivors = sum.sites.filter { fate[$0] != 1 }
            let late = sum.sites.filter { fate[$0] == 2 }
            // Without those, the steps do not differ.
            if step == 2 && late.isEmpty { continue }
            sum.round += 1
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            let updates = try await sum.seal(survivors)
            let isOpened = survivors.count >= 3 && survivors.count - late.count >= threshold
            do {
                try await sum.carryOut(
                    .afterTraining, with: survivors, lost: Dictionary(uniqueKeysWithValues: late.map { ($0, step) }))
                let update = try await sum.filter.open(updates, sum.sealedRound)
                #expect(isOpened)
                try expectExact(update, sum, over: survivors, of: sum.sites)
                opened += 1
            } catch let error as PrivacyError {
                #expect(!isOpened, "\(error)")
                guard case .refused = error else { throw error }
                refused += 1
            }
        }
        // So many of five to the end: Σ C(5, k) 2⁵⁻ᵏ over k from the threshold on; in step 2 less those without any that is
        // late, of which the first counts them already.
        #expect(opened == (threshold == 3 ? (step == 1 ? 51 : 35) : (step == 1 ? 11 : 5)))
        #expect(opened + refused == (step == 1 ? 243 : 243 - 32))
    }

    /// Five sites, of which any may be lost at any of the three steps before training.
    @Test func whoIsLostBeforeTrainingIsLeftOut() async throws {
        var sum = try SumFixture(5)
        for pattern in 0..<32 {
            for step in 1...3 {
                sum.round += 1
                let lost = sum.sites.indices.filter { pattern >> $0 & 1 == 1 }.map { sum.sites[$0] }
                let rest = sum.sites.filter { !lost.contains($0) }
                let fates = Dictionary(uniqueKeysWithValues: lost.map { ($0, step) })
                guard rest.count >= 3 else {
                    await #expect(throws: PrivacyError.self) {
                        try await sum.carryOut(.beforeTraining, with: sum.sites, lost: fates)
                    }
                    continue
                }
                let left = try await sum.carryOut(.beforeTraining, with: sum.sites, lost: fates).left
                #expect(left == rest)
                let updates = try await sum.seal(rest)
                try await sum.carryOut(.afterTraining, with: rest)
                try expectExact(try await sum.filter.open(updates, sum.sealedRound), sum, over: rest, of: rest)
            }
        }
    }

    @Test func aGraphOfNeighboursGivesTheSameSum() async throws {
        var sum = try SumFixture(12, neighbours: 6)
        for lost in [[], ["site-03"], ["site-00", "site-11"]] {
            sum.round += 1
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            let survivors = sum.sites.filter { !lost.contains($0) }
            let updates = try await sum.seal(survivors)
            try await sum.carryOut(.afterTraining, with: survivors)
            try expectExact(try await sum.filter.open(updates, sum.sealedRound), sum, over: survivors, of: sum.sites)
        }
    }

    /// Some tensors are shared by all sites, some by three of them.
    @Test func groupsOfSitesAreSummedAmongThemselves() async throws {
        let names = (0..<5).map { "site-0\($0)" }
        let sum = try SumFixture(
            5,
            descriptions: names.enumerated().map { index, name in
                SiteDescription(
                    name: name, examples: 10,
                    tensors: [TensorRole(TensorDescription(name: "all", shape: [7]))]
                        + (index < 3 ? [TensorRole(TensorDescription(name: "some", shape: [4]))] : []))
            })
        try sum.filter.admit(sum.plan)
        try await sum.carryOut(.beforeTraining, with: names)
        let updates = try await sum.seal(names)
        try await sum.carryOut(.afterTraining, with: names)
        let means = try await sum.filter.open(updates, sum.sealedRound).tensors.weights()
        for share in sum.plan.shares {
            #expect(means[share.tensor.name]?.floats == sum.mean(share, over: names, of: names))
        }
    }

    @Test func whatFewerThanThreeSitesShareIsRefused() throws {
        let names = (0..<4).map { "site-0\($0)" }
        let sum = try SumFixture(
            4,
            descriptions: names.enumerated().map { index, name in
                SiteDescription(
                    name: name, examples: 10,
                    tensors: [TensorRole(TensorDescription(name: "all", shape: [7]))]
                        + (index < 2 ? [TensorRole(TensorDescription(name: "some", shape: [4]))] : []))
            })
        #expect {
            try sum.filter.admit(sum.plan)
        } throws: {
            "\($0)".contains("some is shared by site-00 and site-01 only")
        }
    }

    @Test func oneSiteThatOutweighsTheOthersIsNotShown() async throws {
        for weights in [[97, 9, 9, 9], [1, 1, 0, 0], [900, 900, 1, 1]] as [[Double]] {
            var sum = try SumFixture(4)
            sum.weights = Dictionary(uniqueKeysWithValues: zip(sum.sites, weights))
            await #expect {
                try await sum.carryOut(.beforeTraining, with: sum.sites)
            } throws: {
                "\($0)".contains(weights[0] == 97 ? "78 % of the weight" : "A sum over 2 sites hides too little")
            }
        }
        // Nor where it does once another is lost.
        var sum = try SumFixture(4)
        sum.weights = Dictionary(uniqueKeysWithValues: zip(sum.sites, [95, 95, 20, 20]))
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let rest = Array(sum.sites.dropFirst())
        _ = try await sum.seal(rest)
        await #expect(throws: PrivacyError.self) { try await sum.carryOut(.afterTraining, with: rest) }
    }

    @Test func twoSitesSumOnlyWhereThatIsAllowed() async throws {
        let sum = try SumFixture(2)
        #expect(throws: PrivacyError.self) { try sum.filter.admit(sum.plan) }
        await #expect(throws: PrivacyError.self) { try await sum.carryOut(.beforeTraining, with: sum.sites) }
        var settings = SecureSumSettings()
        settings.allowsTwoSites = true
        #expect(settings.protection.contains("each learns the other's update"))
        #expect(!SecureSumSettings().protection.contains("each learns the other's update"))
        let two = try SumFixture(2, settings: settings)
        try await two.carryOut(.beforeTraining, with: two.sites)
        let updates = try await two.seal(two.sites)
        try await two.carryOut(.afterTraining, with: two.sites)
        try expectExact(try await two.filter.open(updates, two.sealedRound), two, over: two.sites, of: two.sites)
    }

    /// Under the masks every bit is as often set as not, and two sealings of one update have nothing in common.
    @Test func sealedValuesLookLikeChance() async throws {
        var sum = try SumFixture(3)
        var words: [[UInt32]] = []
        for _ in 0..<2 {
            sum.round += 1
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            let sealed = try await sum.seal(SumFixture.zeros(sum, "site-00"), of: "site-00")
            let weights = try sealed.tensors.weights()
            words.append(weights["sealed.0"]!.values(as: UInt32.self))
            #expect(sealed.metrics.isEmpty)
        }
        #expect(Set(words[0]).count == 203 && Set(words[0] + words[1]).count == 406)
        // Of 203 · 32 bits, half and 7 standard deviations: outside once in 10¹¹.
        let ones = words[0].reduce(0) { $0 + $1.nonzeroBitCount }
        #expect(abs(Double(ones) - 3248) < 7 * 40.3)
    }

    /// Doubles, halves and whole numbers, and a tensor without dimensions.
    @Test(arguments: SecureSumSettings.Form.allCases)
    func everyTypeIsSummed(_ form: SecureSumSettings.Form) async throws {
        let types: [(name: String, shape: [Int], type: ScalarType)] = [
            ("double", [3], .float64), ("half", [2, 2], .float16), ("count", [], .int64), ("byte", [3], .uint8),
        ]
        let names = ["site-00", "site-01", "site-02"]
        var sum = try SumFixture(
            3, form,
            descriptions: names.map { name in
                SiteDescription(
                    name: name, examples: 1,
                    tensors: types.map {
                        TensorRole(TensorDescription(name: $0.name, shape: $0.shape, type: $0.type))
                    })
            })
        sum.weights = ["site-00": 1, "site-01": 2, "site-02": 1]
        /// Every value of a site's tensors.
        func update(_ value: Double, examples: Int) throws -> ModelUpdate {
            let tensors = try types.map { own in
                let count = own.shape.reduce(1, *)
                let doubles = [Double](repeating: value, count: count)
                let wide = Weights.Tensor(
                    TensorDescription(name: own.name, shape: own.shape, type: .float64),
                    storage: TensorStorage(byteCount: count * 8) { buffer in
                        doubles.withUnsafeBytes { buffer.copyMemory(from: $0) }
                    })
                return try ConvertedTensors(Weights([wide]), from: .float64, to: own.type).weights().tensors[0]
            }
            return ModelUpdate(.difference, Weights(tensors), examples: examples, steps: 1)
        }
        try await sum.carryOut(.beforeTraining, with: names)
        var sealed: [String: ModelUpdate] = [:]
        for (name, value) in zip(names, [2.0, 4, 7]) {
            let own = try await sum.seal(update(value, examples: name == "site-01" ? 2 : 1), of: name)
            try sum.filter.check(own, from: name, sum.sealedRound)
            sealed[name] = own
        }
        try await sum.carryOut(.afterTraining, with: names)
        let means = try await sum.filter.open(sealed, sum.sealedRound).tensors.weights()
        #expect(means.descriptions == sum.plan.shares.map(\.tensor))
        // The mean is 17 / 4, of whole numbers 4.
        #expect(means["double"]!.values(as: Double.self).allSatisfy { abs($0 - 4.25) < 3 * 8 / 0x1p31 })
        #expect(means["half"]!.values(as: Float16.self) == [4.25, 4.25, 4.25, 4.25])
        #expect(means["count"]!.values(as: Int64.self) == [4])
        #expect(means["byte"]!.values(as: UInt8.self) == [4, 4, 4])
        // A count that does not fit is not cut off.
        sum.round = 2
        try await sum.carryOut(.beforeTraining, with: names)
        await #expect {
            var large = try update(1, examples: 1)
            var tensors = try large.tensors.weights()
            tensors.set(
                Weights.Tensor(
                    TensorDescription(name: "count", shape: [], type: .int64),
                    storage: TensorStorage(byteCount: 8) { $0.storeBytes(of: 1 << 25, as: Int64.self) }))
            large.tensors = tensors
            _ = try await sum.seal(large, of: "site-00")
        } throws: {
            "\($0)".contains("count counts beyond")
        }
    }

    @Test func settingsThatProtectNothingAreRefused() {
        let changes: [(inout SecureSumSettings) -> Void] = [
            { $0.clippingRange = 0 }, { $0.clippingRange = .nan }, { $0.mostClipped = 2 }, { $0.neighbours = 1 },
            { $0.neighbours = 256 }, { $0.neighbours = 5 }, { $0.threshold = 0.4 }, { $0.threshold = 1 },
            { $0.largestShare = 0 }, { $0.largestShare = .nan },
        ]
        for change in changes {
            var settings = SecureSumSettings()
            change(&settings)
            #expect(throws: PrivacyError.self) { try settings.validate() }
        }
        #expect(throws: Never.self) { try SecureSumSettings().validate() }
    }

    @Test func whatIsNoNumberOrTooWideIsNotSent() async throws {
        for (value, isSent) in [(Float.nan, false), (.infinity, false), (100, false), (-8, true)] {
            let sum = try SumFixture(3)
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            var update = SumFixture.zeros(sum, "site-00")
            update.tensors = Weights([
                Weights.Tensor("a", [Float](repeating: value, count: 200), shape: [40, 5]), tensor("b", [3], seed: 1),
            ])
            do {
                _ = try await sum.seal(update, of: "site-00")
                #expect(isSent)
            } catch let error as PrivacyError {
                #expect(!isSent && "\(error)".contains(value == 100 ? "beyond ±8.0" : "a holds NaN or infinite"))
            }
        }
    }
}

extension SumFixture {
    static func zeros(_ sum: SumFixture, _ site: String) -> ModelUpdate {
        var update = sum.update(of: site)
        update.tensors = Weights(
            sum.plan.expectation(of: site).map {
                Weights.Tensor($0.name, [Float](repeating: 0, count: $0.count), shape: $0.shape)
            })
        return update
    }
}
