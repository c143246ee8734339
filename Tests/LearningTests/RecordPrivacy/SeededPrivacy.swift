import Federation
import Foundation
import Imaging
import Learning
import Synchronization

/// A privacy whose chance follows from a seed, for tests.
final class SeededPrivacy: GradientPrivacy {
    struct Booking: Equatable {
        var steps: Int
        var round: Int
        var records: [String]
    }

    struct Refusal: Error, CustomStringConvertible {
        var description: String { "the account of anna and boris is spent" }
    }

    let clippingNorm: Double
    let expectedBatch: Double
    /// Standard deviation of the noise over the clipping norm.
    let noiseMultiplier: Double
    /// Probability of every record; 0 for none.
    let rate: Double
    /// The most steps that may be booked.
    let cap: Int
    private let state: Mutex<(generator: Philox, bookings: [Booking])>

    init(
        clippingNorm: Double = .infinity, expectedBatch: Double = 1, noiseMultiplier: Double = 0, rate: Double = 1,
        cap: Int = .max, seed: UInt64 = 1
    ) {
        self.clippingNorm = clippingNorm
        self.expectedBatch = expectedBatch
        self.noiseMultiplier = noiseMultiplier
        self.rate = rate
        self.cap = cap
        state = Mutex((Philox(seed: seed, purpose: .other), []))
    }

    var bookings: [Booking] { state.withLock { $0.bookings } }

    func book(steps: Int, round: Int, records: [String]) async throws {
        try state.withLock { state in
            guard state.bookings.reduce(steps, { $0 + $1.steps }) <= cap else { throw Refusal() }
            state.bookings.append(Booking(steps: steps, round: round, records: records))
        }
    }

    func sample(of records: Int) -> [Int] {
        state.withLock { state in (0..<records).filter { _ in state.generator.chance(rate) } }
    }

    func addNoise(to values: UnsafeMutableBufferPointer<Float>) {
        guard noiseMultiplier > 0, let start = values.baseAddress else { return }
        var normal = NormalNoise(seed: state.withLock { $0.generator.next() })
        normal.add(to: start, count: values.count, standardDeviation: Float(noiseMultiplier * clippingNorm))
    }
}

/// Records of one ball each; see ``BallBatches``.
struct BallRecords: RecordSource {
    let records: [String]

    init(_ count: Int) { records = (0..<count).map { "ball \($0)" } }

    func patches(of record: Int, step: Int) throws -> TrainingBatch { try Self.first(BallBatches().batch(record)) }

    /// The first sample of a batch.
    static func first(_ batch: TrainingBatch) -> TrainingBatch {
        func first<Value>(_ volume: Volume<Value>) -> Volume<Value> {
            let shape = [1] + volume.shape.dropFirst()
            return Volume(shape: shape, elements: Array(volume.elements.prefix(shape.reduce(1, *))))
        }
        return TrainingBatch(data: first(batch.data), targets: batch.targets.map(first))
    }

    /// The samples of several batches in one.
    static func joined(_ batches: [TrainingBatch]) -> TrainingBatch {
        func joined<Value>(_ volumes: [Volume<Value>]) -> Volume<Value> {
            Volume(
                shape: [volumes.reduce(0) { $0 + $1.shape[0] }] + volumes[0].shape.dropFirst(),
                elements: volumes.flatMap(\.elements))
        }
        return TrainingBatch(
            data: joined(batches.map(\.data)),
            targets: batches[0].targets.indices.map { level in joined(batches.map { $0.targets[level] }) })
    }
}
