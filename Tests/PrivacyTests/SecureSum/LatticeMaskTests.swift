import Federation
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct LatticeMaskTests {
    /// Five sites, of which any may be lost before sealing; some tensors are longer than a polynomial.
    @Test func everySumIsExact() async throws {
        var sum = try SumFixture(
            5, .lattice,
            descriptions: (0..<5).map { index in
                SiteDescription(
                    name: "site-0\(index)", examples: 10,
                    tensors: [TensorRole(TensorDescription(name: "long", shape: [5, 1000]))]
                        + (index < 4 ? [TensorRole(TensorDescription(name: "some", shape: [2048]))] : []))
            })
        for pattern in 0..<32 {
            let survivors = sum.sites.indices.filter { pattern >> $0 & 1 == 1 }.map { sum.sites[$0] }
            guard survivors.filter({ $0 != "site-04" }).count >= 3 else { continue }
            sum.round += 1
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            let updates = try await sum.seal(survivors)
            try await sum.carryOut(.afterTraining, with: survivors)
            let means = try await sum.filter.open(updates, sum.sealedRound).tensors.weights()
            for share in sum.plan.shares {
                #expect(means[share.tensor.name]?.floats == sum.mean(share, over: survivors, of: sum.sites))
            }
        }
    }

    /// Both forms open to the same bits, and nothing of the plain values is in what is sent.
    @Test func itGivesWhatMasksGive() async throws {
        var opened: [Weights] = []
        for form in SecureSumSettings.Form.allCases {
            let sum = try SumFixture(3, form)
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            let updates = try await sum.seal(sum.sites)
            try await sum.carryOut(.afterTraining, with: sum.sites)
            opened.append(try await sum.filter.open(updates, sum.sealedRound).tensors.weights())
        }
        #expect(opened[0] == opened[1])
    }

    @Test func sealedZerosAreEvenlySpread() async throws {
        let sum = try SumFixture(
            3, .lattice,
            descriptions: (0..<3).map {
                SiteDescription(
                    name: "site-0\($0)", examples: 10,
                    tensors: [TensorRole(TensorDescription(name: "a", shape: [40_000]))])
            })
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let sealed = try await sum.seal(SumFixture.zeros(sum, "site-01"), of: "site-01")
        let bytes = try sealed.tensors.weights()["sealed.0"]!.values(as: UInt8.self)
        #expect(bytes.count == 270_000)  // 6.75 a value
        // Of 54 bits each; q is so near 2⁵⁴ that the highest 8 are even to 1 in 10⁹.
        var numbers = [UInt64](repeating: 0, count: 40_000)
        BitPacking.unpack(bytes, count: 40_000, bits: 54, into: &numbers)
        var counts = [Double](repeating: 0, count: 256)
        for number in numbers { counts[Int(number >> 46)] += 1 }
        let mean = 40_000.0 / 256
        let statistic = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) / mean }
        // χ² of 255 degrees of freedom: above 424 once in 10⁹ runs.
        #expect(statistic < 424)
    }

    /// Secrets and errors are centred binomial over 84 coins.
    @Test func secretsAreAsWideAsTheyMustBe() {
        var stream = KeyStream(seed: 5)
        var (sum, squares, count) = (0.0, 0.0, 0.0)
        var counts: [Int64: Double] = [:]
        for _ in 0..<50 {
            for number in LatticeMask.secret(from: &stream) {
                sum += Double(number)
                squares += Double(number * number)
                counts[number, default: 0] += 1
                count += 1
            }
        }
        // Seven standard deviations each.
        #expect(abs(sum / count) < 7 * (21 / count).squareRoot())
        #expect(abs(squares / count - 21) < 7 * (2 * 21 * 21 / count).squareRoot())
        // χ² against the binomial distribution, −15 to 15 and the tails left off.
        var probability = 1.0  // of 42 heads among 84
        for k in 1...42 { probability *= Double(42 + k) / Double(k) / 4 }
        var statistic = 0.0
        for number in 0...15 as ClosedRange<Int64> {
            for sign in number == 0 ? [1] : [-1, 1] as [Int64] {
                let expected = probability * count
                statistic +=
                    (counts[sign * number, default: 0] - expected) * (counts[sign * number, default: 0] - expected)
                    / expected
            }
            probability *= Double(42 - number) / Double(43 + number)
        }
        // 31 cells: above 108 once in 10⁹ seeds.
        #expect(statistic < 108)
    }
}
