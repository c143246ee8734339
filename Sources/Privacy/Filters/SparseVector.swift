import Federation

/// The sparse vector technique as FLARE has it (`SVTPrivacy`): a noisy choice of a share of the values, which are sent with
/// noise; the others are sent as 0.
///
/// All values, divided by the update's steps, are one vector in the order of the tensors' names. Tensors without a dimension
/// count among them as in FLARE, and are sent as they are. What it promises, and that it is no promise to a patient, is told by
/// `privacyStatement`.
public struct SparseVector: UpdateFilter {
    public let name = "sparse-vector"
    public let settings: Settings
    public let randomness: NoiseSource

    /// More passes over all values than this, and the threshold lies where no noise reaches it: FLARE would go on for ever.
    static let mostPasses = 1000

    /// - Throws: `PrivacyError.setting`.
    public init(_ settings: Settings = Settings(), randomness: NoiseSource = .secure) throws {
        try settings.validate()
        self.settings = settings
        self.randomness = randomness
    }

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try update.requireDifference(name, "would cut each of them to ±\(settings.gamma)")
        try update.requireSteps(name)
        let flat = try FlatUpdate(update, for: name, order: .byName, isStrict: true)
        let scalars = try flat.scalars
        var stream = randomness.stream(of: name, context)
        var update = update
        update.tensors = flat.weights(
            try released(flat.values, scalars: scalars, steps: Double(update.steps), &stream))
        return update
    }

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }

    /// - Parameter scalars: values that may be chosen, and are not sent from here.
    /// - Returns: as many as `values`.
    func released(_ values: [Float], scalars: [Double], steps: Double, _ stream: inout KeyStream) throws -> [Float] {
        let count = values.count + scalars.count
        guard count > 0 else { return [] }
        guard count <= UInt32.max else {
            throw PrivacyError.refused("\(count) values are more than the filter \(name) takes: 4294967295.")
        }
        let scales = settings.scales(values: count)
        let gamma = settings.gamma
        var threshold = SparseVectorNoise(scale: scales.threshold, stream.fork())
        let bound = settings.tau + threshold.draw()
        let query = SparseVectorNoise(scale: scales.query, stream.fork())
        let accepted = try accepted(count, atLeast: scales.kept, bound: bound, query) { index in
            let value = index < values.count ? Double(values[index]) : scalars[index - values.count]
            return min(abs(value / steps), gamma)
        }
        // A value that was chosen twice is sent once, with the noise of the last time.
        let isChosen = chosen(scales.kept, from: accepted, of: count, stream.fork())
        var noise = SparseVectorNoise(scale: scales.release, stream.fork())
        let form = settings.form
        return [Float](unsafeUninitializedCapacity: values.count) { result, filled in
            for index in values.indices {
                guard isChosen[index] else {
                    result[index] = 0
                    continue
                }
                let value = Double(values[index]) / steps
                let sent =
                    switch form {
                    case .legacy: min(max(value + noise.draw(), -gamma), gamma)
                    case .flare28: min(max(value, -gamma), gamma) + noise.draw()
                    }
                result[index] = Float(sent * steps)
            }
            filled = values.count
        }
    }

    /// Values whose size with noise reaches the bound, over as many passes as it takes to have enough of them.
    private func accepted(
        _ count: Int, atLeast fewest: Int, bound: Double, _ noise: SparseVectorNoise, _ size: (Int) -> Double
    ) throws -> [UInt32] {
        var noise = noise
        var accepted: [UInt32] = []
        accepted.reserveCapacity(count)
        var open: [UInt32] = []
        for index in 0..<count {
            if noise.reaches(bound - size(index)) {
                accepted.append(UInt32(index))
            } else {
                open.append(UInt32(index))
            }
        }
        var passes = 1
        while accepted.count < fewest {
            guard passes < Self.mostPasses else {
                throw PrivacyError.refused(
                    "After \(passes) passes only \(accepted.count) of the \(fewest) values to be sent have reached the "
                        + "threshold of the filter \(name). Set a larger epsilon, a smaller tau or a smaller fraction.")
            }
            passes += 1
            var left = 0
            for place in open.indices {
                let index = open[place]
                if noise.reaches(bound - size(Int(index))) {
                    accepted.append(index)
                } else {
                    open[left] = index
                    left += 1
                }
            }
            open.removeLast(open.count - left)
        }
        return accepted
    }

    /// Draws from what was accepted, with replacement or without.
    private func chosen(_ kept: Int, from accepted: [UInt32], of count: Int, _ stream: KeyStream) -> [Bool] {
        var words = RandomWords(stream)
        // One bit for each that was accepted: this is written to in no order, and stays in the cache.
        var bits = [UInt64](repeating: 0, count: (accepted.count + 63) / 64)
        // Whether it is new.
        func mark(_ rank: Int) -> Bool {
            let bit: UInt64 = 1 << UInt64(rank & 63)
            defer { bits[rank >> 6] |= bit }
            return bits[rank >> 6] & bit == 0
        }
        var marksWhatIsLeft = false
        if settings.replace {
            for _ in 0..<kept { _ = mark(words.next(below: accepted.count)) }
        } else {
            // Different ones, drawn again where one came before; the fewer of those that stay and those that go.
            marksWhatIsLeft = kept > accepted.count / 2
            var missing = marksWhatIsLeft ? accepted.count - kept : kept
            while missing > 0 { if mark(words.next(below: accepted.count)) { missing -= 1 } }
        }
        var isChosen = [Bool](repeating: false, count: count)
        for (rank, index) in accepted.enumerated() {
            isChosen[Int(index)] = (bits[rank >> 6] >> UInt64(rank & 63) & 1 == 1) != marksWhatIsLeft
        }
        return isChosen
    }
}
