/// Finds the value of a rank among magnitudes, without sorting: the bits of floats that are not negative grow with them.
enum MagnitudeRank {
    /// The magnitude that `rank` others do not exceed, counted from the smallest: 0 is the smallest.
    ///
    /// Two passes over the values; all must be finite.
    static func value(_ rank: Int, of values: [Float]) -> Float {
        precondition(values.indices.contains(rank), "no value has the rank \(rank)")
        let high = bucket(rank, values) { bits in bits >> 16 }
        let low = bucket(rank - high.below, values) { bits in
            bits >> 16 == high.index ? bits & 0xffff : nil
        }
        return Float(bitPattern: high.index << 16 | low.index)
    }

    /// The bucket of a rank among the values that have one, and how many lie in those below.
    private static func bucket(
        _ rank: Int, _ values: [Float], _ index: (UInt32) -> UInt32?
    ) -> (index: UInt32, below: Int) {
        var counts = [Int](repeating: 0, count: 1 << 16)
        for value in values {
            if let index = index(value.magnitude.bitPattern) { counts[Int(index)] += 1 }
        }
        var below = 0
        for (index, count) in counts.enumerated() {
            if below + count > rank { return (UInt32(index), below) }
            below += count
        }
        preconditionFailure("the rank is larger than the count")
    }
}
