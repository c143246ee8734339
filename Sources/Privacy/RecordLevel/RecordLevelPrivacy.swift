import Federation
import Synchronization

/// DP-SGD at one site: who takes part in a step, how much noise it has, and what that costs its records.
///
/// A step that was not booked has no record in it: a learner that makes more than it said trains on noise alone.
public final class RecordLevelPrivacy: GradientPrivacy {
    public let settings: RecordLevelSettings
    /// σ, in multiples of the clipping norm.
    public let noiseMultiplier: Double
    /// With which a record takes part in a step.
    public let rate: Double
    public let source: NoiseSource
    private let records: Int
    private let patients: PatientGroups?
    private let run: String
    private let ledger: PrivacyLedger
    private let limits: PrivacyLimits
    private let state: Mutex<State>

    private struct State {
        var stepsLeft = 0
        var sampling: KeyStream
        var noise: GaussianNoise
    }

    public var clippingNorm: Double { settings.clippingNorm }
    public var expectedBatch: Double { settings.expectedBatch }

    /// - Parameters:
    ///   - records: how many the site trains on.
    ///   - patients: whose its cases are, where a record is a patient; nil where each case is one.
    ///   - limits: what no account of the site's may exceed.
    ///   - source: seeded noise claims no privacy, and needs the site's leave.
    /// - Throws: `PrivacyError.setting`.
    public init(
        _ settings: RecordLevelSettings, records: Int, patients: PatientGroups? = nil, run: String,
        ledger: PrivacyLedger, limits: PrivacyLimits, source: NoiseSource = .secure
    ) throws {
        let sigma = try settings.noiseMultiplier(records: records)
        self.settings = settings
        noiseMultiplier = sigma
        rate = settings.rate(records: records)
        self.source = source
        self.records = records
        self.patients = patients
        self.run = run
        self.ledger = ledger
        self.limits = limits
        state = Mutex(
            State(
                sampling: source.stream("sampling \(run)"),
                noise: try GaussianNoise.covering(
                    sensitivity: settings.clippingNorm, noiseMultiplier: sigma, stream: source.stream("noise \(run)"))))
    }

    public func book(steps: Int, round: Int, records: [String]) async throws {
        guard steps > 0 else { throw PrivacyError.setting("A round of \(steps) steps cannot be booked.") }
        guard records.count == self.records, Set(records).count == records.count else {
            throw PrivacyError.setting(
                "The noise was planned for \(self.records) records, and \(Set(records).count) are to be trained on. Plan "
                    + "it again for these.")
        }
        if let patients, patients.patients != Set(records) {
            throw PrivacyError.setting(
                "The noise was planned for patients of the column \(patients.column), and others are to be trained on. "
                    + "Plan it again for these.")
        }
        if source.claimsPrivacy {
            let event = try PrivacyEvent.sampledGaussian(rate: rate, noiseMultiplier: noiseMultiplier).composed(steps)
            try await ledger.book(
                [event], on: patients.map { Array($0.patientOfCase.keys) } ?? records, of: patients, run: run,
                round: round,
                within: limits)
        } else {
            try await ledger.release(.seededNoise, run: run, round: round)
        }
        // What was left of a round that was broken off is spent, but not trained.
        state.withLock { $0.stepsLeft = steps }
    }

    public func sample(of records: Int) -> [Int] {
        guard records == self.records else { return [] }
        // Rounded down: never more often than was booked.
        let threshold = rate < 1 ? UInt64(rate * 0x1p64) : .max
        return state.withLock { state in
            guard state.stepsLeft > 0 else { return [] }
            state.stepsLeft -= 1
            var words = [UInt64](repeating: 0, count: records)
            words.withUnsafeMutableBytes { state.sampling.fill($0) }
            return words.indices.filter { rate == 1 || words[$0] < threshold }
        }
    }

    public func addNoise(to values: UnsafeMutableBufferPointer<Float>) {
        state.withLock { $0.noise.add(to: values) }
    }
}
