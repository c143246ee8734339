import Federation
import Foundation
import Learning
import Synchronization
import Testing
import Torch

/// The step alone, on a linear model: the gradient of w·x is x.
@Suite struct DPSGDStepTests {
    private let points: [[Float]] = [[3, 4, 0], [0, 0, 0.5], [1e30, 0, -1e30], [0, 0.3, 0.4]]

    private func sum(
        of points: [[Float]], _ privacy: some GradientPrivacy, scales: [Double] = [1]
    ) throws -> (gradient: [Float], outcome: DPSGDStep.Outcome) {
        let weight = try Tensor.zeros([3]).requireGrad()
        let step = try DPSGDStep([weight], privacy: privacy, lossScales: scales)
        let outcome = try step.gradient(records: points.count) { try (weight * Tensor(points[$0], shape: [3])).sum() }
        return (try #require(try weight.gradient()).array(), outcome)
    }

    @Test func longGradientsAreShortenedAndShortOnesLeft() throws {
        let (gradient, outcome) = try sum(of: points, SeededPrivacy(clippingNorm: 1, expectedBatch: 2))
        let kept = Float(1 - DPSGDStep.margin)
        let half = Float(0.5).squareRoot()
        let expected = [kept * (0.6 + half), kept * 0.8 + 0.3, 0.5 - kept * half + 0.4].map { $0 / 2 }
        #expect(zip(gradient, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(gradient)")
        #expect(outcome.losses == [0, 0, 0, 0] && outcome.leftOut == 0)
    }

    /// A record without a finite gradient changes nothing, and is not told of by an error.
    @Test(arguments: [Float.nan, .infinity]) func aGradientThatIsNotFiniteCountsAsZero(value: Float) throws {
        let privacy = SeededPrivacy(clippingNorm: 1)
        let (gradient, outcome) = try sum(of: [[0.5, 0, 0], [0, value, 0], [0, 0, 0.25]], privacy)
        #expect(gradient == [0.5, 0, 0.25])
        #expect(outcome.leftOut == 1 && outcome.losses.count == 2)
    }

    /// Loss scaling neither changes what is clipped, nor is it changed by one record for the next.
    @Test func scalesOfTheLossAreTriedForEachRecord() throws {
        let privacy = SeededPrivacy(clippingNorm: 1)
        let points: [[Float]] = [[3e37, 0, 0], [0, 0.25, 0], [0, 0, 4]]
        let seen = Mutex<[Int]>([])
        let weight = try Tensor.zeros([3]).requireGrad()
        let step = try DPSGDStep([weight], privacy: privacy, lossScales: [65536, 64, 1])
        let outcome = try step.gradient(records: 3) { record in
            seen.withLock { $0.append(record) }
            return try (weight * Tensor(points[record], shape: [3])).sum()
        }
        let kept = Float(1 - DPSGDStep.margin)
        let gradient: [Float] = try #require(try weight.gradient()).array()
        #expect(zip(gradient, [kept, 0.25, kept]).allSatisfy { abs($0 - $1) < 1e-6 }, "\(gradient)")
        #expect(seen.withLock { $0 } == [0, 0, 0, 1, 2] && outcome.leftOut == 0)
    }

    @Test(arguments: [[1, 1], [2, 1], [0, 4], [-1, 0]]) func aFaultySampleIsRefused(taken: [Int]) {
        struct Faulty: GradientPrivacy {
            let taken: [Int]
            let clippingNorm = 1.0
            let expectedBatch = 1.0
            func book(steps: Int, round: Int, records: [String]) async throws {}
            func sample(of records: Int) -> [Int] { taken }
            func addNoise(to values: UnsafeMutableBufferPointer<Float>) {}
        }
        #expect(throws: LearningError.self) { try sum(of: points, Faulty(taken: taken)) }
    }

    @Test(arguments: [(0.0, 1.0), (.nan, 1), (1, 0), (1, .infinity), (-1, 1), (1, .nan)])
    func boundsMustBePositive(clippingNorm: Double, expectedBatch: Double) {
        let privacy = SeededPrivacy(clippingNorm: clippingNorm, expectedBatch: expectedBatch)
        #expect(throws: LearningError.self) { try sum(of: points, privacy) }
    }

    @Test func noiseThatIsNotFiniteIsRefused() {
        let privacy = SeededPrivacy(clippingNorm: 1e30, noiseMultiplier: 1e30)
        #expect(throws: LearningError.self) { try sum(of: points, privacy) }
    }

    // MARK: Normalisation

    /// A convolution, a normalisation, a mean.
    private func network(_ normalise: @escaping (Tensor) throws -> Tensor) throws -> (Tensor) throws -> Tensor {
        let weight = try Tensor((0..<8).map { Float($0) / 8 - 0.4 }, shape: [4, 2, 1, 1])
        return { x in
            try normalise(call("aten::conv2d", "", .tensor(x), .tensor(weight))).leakyReLU(slope: 0.01)
        }
    }

    private func batchNorm(training: Bool) throws -> (Tensor) throws -> Tensor {
        let (mean, variance) = (try Tensor.zeros([4]), try Tensor.full([4], 1))
        return {
            try call(
                "aten::batch_norm", "", .tensor($0), .none, .none, .tensor(mean), .tensor(variance), .bool(training),
                .double(0.1), .double(1e-5), .bool(false))
        }
    }

    @Test func batchNormIsRefused() throws {
        let error = #expect(throws: LearningError.self) {
            try SampleIndependence.require(shape: [2, 6, 6], on: .cpu, of: network(batchNorm(training: true)))
        }
        #expect("\(try #require(error))".contains("instance or group norm"))
    }

    @Test func frozenAndSampleWiseNormalisationsPass() throws {
        try SampleIndependence.require(shape: [2, 6, 6], on: .cpu, of: network(batchNorm(training: false)))
        try SampleIndependence.require(
            shape: [2, 6, 6], on: .cpu,
            of: network {
                try call("aten::group_norm", "", .tensor($0), .int(2), .none, .none, .double(1e-5), .bool(false))
            })
    }
}
