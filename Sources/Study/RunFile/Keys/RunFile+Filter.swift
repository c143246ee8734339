import Federation
import Privacy

extension RunFile.Strategy {
    /// What is done to every update before it leaves a site.
    public enum Filter: Sendable, Equatable {
        case halfPrecision
        /// FLARE's SVTPrivacy.
        case sparseVector(SparseVector.Settings)
        /// FLARE's PercentilePrivacy.
        case percentile(Percentile.Settings)
        /// FLARE's ExcludeVars.
        case exclude(Exclude.Settings)
        /// Lets nothing of this kind out; FLARE's DXOBlocker.
        case block(ModelUpdate.Content)
        case topK(TopK.Settings)
        case quantise(Quantise.Settings)
    }
}

extension RunFile.Strategy.Filter: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("half-precision", .halfPrecision),
        .word(
            "svt", example: "{form: legacy, fraction: 0.1, epsilon: 0.1}", make: { .sparseVector($0) },
            value: { if case .sparseVector(let settings) = $0 { settings } else { nil } }),
        .word(
            "percentile", example: "{percentile: 10, gamma: 0.01}", make: { .percentile($0) },
            value: { if case .percentile(let settings) = $0 { settings } else { nil } }),
        .word(
            "exclude", example: "{pattern: \"^encoder\"}", make: { .exclude($0) },
            value: { if case .exclude(let settings) = $0 { settings } else { nil } }),
        .word(
            "block", example: "weights", make: { .block($0) },
            value: { if case .block(let content) = $0 { content } else { nil } }),
        .word(
            "top_k", example: "{fraction: 0.1, values: float16}", make: { .topK($0) },
            value: { if case .topK(let settings) = $0 { settings } else { nil } }),
        .word(
            "quantise", example: "{bits: 8}", make: { .quantise($0) },
            value: { if case .quantise(let settings) = $0 { settings } else { nil } }),
    ]
}

// The defaults are those of Privacy's own filters, and the keys FLARE's where it has them.

extension SparseVector.Settings: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("form", \.form),
        YAMLKey("fraction", \.fraction, .aboveZeroToOne),
        YAMLKey("epsilon", \.epsilon, .above(0)),
        YAMLKey("noise_var", \.noiseVariance, .above(0)),
        YAMLKey("gamma", \.gamma, .above(0)),
        YAMLKey("tau", \.tau),
        YAMLKey("replace", \.replace),
        YAMLKey("epsilon_threshold", \.epsilonThreshold, .above(0)),
        YAMLKey("epsilon_query", \.epsilonQuery, .above(0)),
        YAMLKey("epsilon_release", \.epsilonRelease, .above(0)),
    ]

    func check(at path: String, _ reading: inout Reading) { check(at: path, &reading, together: validate) }
}

extension SparseVector.Form: YAMLWord {}

extension Percentile.Settings: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("percentile", \.percentile, .within(0...100)), YAMLKey("gamma", \.gamma, .above(0)),
    ]
}

extension Exclude.Settings: YAMLSection {
    init() { self.init(names: [], pattern: nil) }

    static let keys: [YAMLKey<Self>] = [
        YAMLKey("names", \.names, form: "a list of tensors' names"),
        YAMLKey("pattern", \.pattern, .notEmpty, form: "a regular expression, such as ^encoder"),
    ]

    func check(at path: String, _ reading: inout Reading) { check(at: path, &reading, together: validate) }
}

extension TopK.Settings: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("fraction", \.fraction, .aboveZeroToOne), YAMLKey("values", \.values),
        YAMLKey("error_feedback", \.feedsBack),
    ]
}

extension TopK.Settings.Values: YAMLWord {}

extension Quantise.Settings: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("bits", \.width), YAMLKey("error_feedback", \.feedsBack),
    ]
}

extension Quantise.Settings.Width: YAMLScalar {
    static var form: String { "16 or 8" }

    init?(scalar: String) {
        guard let bits = Int(scalar) else { return nil }
        self.init(rawValue: bits)
    }

    var scalar: String { String(rawValue) }
}

extension YAMLSection {
    /// Checks each key, and where all are right, how they go together.
    func check(at path: String, _ reading: inout Reading, together: () throws -> Void) {
        let count = reading.faults.count
        for key in Self.keys { key.check(self, path.key(key.name), &reading) }
        guard reading.faults.count == count else { return }
        reading.attempt(at: path, "cannot be taken", together)
    }
}

extension Reading {
    /// Tells of what a part of the program refuses, in its own words.
    mutating func attempt(at path: String, _ fact: String, _ body: () throws -> Void) {
        do { try body() } catch {
            let reason = "\(error)"
            fault(at: path, fact, String(reason.hasSuffix(".") ? reason.dropLast() : reason[...]))
        }
    }
}
