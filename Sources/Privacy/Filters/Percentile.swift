import Federation

/// Sends only the largest values, clipped; FLARE's `PercentilePrivacy`, after Shokri and Shmatikov 2015
/// (doi:10.1145/2810103.2813687).
///
/// Divided by the update's steps, values closer to 0 than a percentile of all become 0, and the others are clipped to ±gamma.
/// There is no noise in it, and no differential privacy. Tensors without a dimension count among all values, as in FLARE, and
/// are sent as they are.
public struct Percentile: UpdateFilter {
    public let name = "percentile"
    public let settings: Settings

    /// FLARE's arguments and its defaults.
    public struct Settings: Sendable, Equatable {
        /// From 0, where all values are sent, to 100.
        public var percentile = 10.0
        /// Values, divided by the steps, are clipped to ±gamma.
        public var gamma = 0.01

        public init() {}

        /// - Throws: `PrivacyError.setting`. FLARE lets everything pass where its settings make no sense.
        public func validate() throws {
            guard percentile >= 0, percentile <= 100 else {
                throw PrivacyError.setting(
                    "The filter percentile: percentile must be from 0 to 100, not \(percentile).")
            }
            guard gamma > 0, gamma.isFinite else {
                throw PrivacyError.setting("The filter percentile: gamma must be above 0 and finite, not \(gamma).")
            }
        }
    }

    /// - Throws: `PrivacyError.setting`.
    public init(_ settings: Settings = Settings()) throws {
        try settings.validate()
        self.settings = settings
    }

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try update.requireDifference(name, "would cut each of them to ±\(settings.gamma)")
        try update.requireSteps(name)
        var flat = try FlatUpdate(update, for: name, isStrict: true)
        guard !flat.values.isEmpty else { return update }
        let steps = Float(update.steps)
        for index in flat.values.indices { flat.values[index] /= steps }
        // Where an integer is among the values, NumPy works in float64.
        let isDouble = flat.others.descriptions.contains { $0.shape.isEmpty && $0.type != .float32 }
        let cutoff = cutoff(flat.values + (try flat.scalars.map { Float($0) / steps }), inDouble: isDouble)
        let gamma = Float(settings.gamma)
        for index in flat.values.indices {
            let value = flat.values[index]
            let isKept = Double(value.magnitude) >= cutoff
            flat.values[index] = isKept ? min(max(value, -gamma), gamma) * steps : 0
        }
        var update = update
        update.tensors = flat.weights(flat.values)
        return update
    }

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }

    /// The percentile of the magnitudes between its two neighbours, as NumPy places it and rounds.
    package func cutoff(_ values: [Float], inDouble: Bool = false) -> Double {
        let place = Double(values.count - 1) * (settings.percentile / 100)
        let below = min(Int(place), values.count - 1)
        let low = MagnitudeRank.value(below, of: values)
        guard below + 1 < values.count else { return Double(low) }
        let high = MagnitudeRank.value(below + 1, of: values)
        let share = place - Double(below)
        func between<Value: BinaryFloatingPoint>(_ low: Value, _ high: Value) -> Double {
            Double(share < 0.5 ? low + (high - low) * Value(share) : high - (high - low) * Value(1 - share))
        }
        return inDouble ? between(Double(low), Double(high)) : between(low, high)
    }
}

extension Percentile: StatesPrivacy {
    public func privacyStatement(values: Int, rounds: Int) throws -> PrivacyStatement {
        PrivacyStatement(
            epsilonPerRound: nil, rounds: rounds,
            facts: [
                "The percentile filter gives no differential privacy: it adds no noise.",
                "It is not a patient-level guarantee. Steps, case counts, metrics and tensors without a dimension are "
                    + "sent as they are.",
            ])
    }
}
