/// Changes of a channel's values, voxel by voxel and in place.
enum Intensity {
    static func multiply(_ values: UnsafeMutablePointer<Float>, count: Int, by factor: Float) {
        for index in 0..<count { values[index] *= factor }
    }

    /// Stretches the values about their mean, cut at the range that they had.
    static func contrast(_ values: UnsafeMutablePointer<Float>, count: Int, factor: Float) {
        let statistics = IntensityStatistics(values, count: count)
        let mean = Float(statistics.mean)
        let low = SIMD8<Float>(repeating: statistics.minimum)
        let high = SIMD8<Float>(repeating: statistics.maximum)
        update(values, count: count) { value in
            var value = (value - mean) * factor + mean
            value.replace(with: low, where: value .< low)
            value.replace(with: high, where: value .> high)
            return value
        }
    }

    /// Raises the values, brought to 0…1, to a power; mean and standard deviation are those of before.
    ///
    /// - Parameter isInverted: whether the negative image is treated, so that bright instead of dark values spread.
    static func gamma(_ values: UnsafeMutablePointer<Float>, count: Int, exponent: Float, isInverted: Bool) {
        let before = IntensityStatistics(values, count: count)
        let range = before.maximum - before.minimum
        // Inverted, −x begins at −maximum and is as far from it as x is below the maximum.
        let origin = isInverted ? before.maximum : before.minimum
        let scale = (isInverted ? -1 : 1) / max(range, 1e-7)
        update(values, count: count) { value in
            var unit = (value - origin) * scale
            unit.replace(with: 0, where: unit .<= 0)  // and −0, which the logarithm does not know
            unit.replace(with: 1, where: unit .> 1)
            return VectorMath.exp2(VectorMath.log2(unit) * exponent)
        }
        // On t, which is what was raised: x = ±(t · range + minimum), then the old mean and deviation.
        let after = IntensityStatistics(values, count: count)
        let sign: Double = isInverted ? -1 : 1
        let deviation = Double(range) * after.standardDeviation
        let factor = sign * Double(range) * before.standardDeviation / max(deviation, 1e-7)
        let slope = Float(factor)
        let offset = Float(before.mean - after.mean * factor)
        for index in 0..<count { values[index] = values[index] * slope + offset }
    }

    /// Applies a function to every vector of eight, and to what is left over.
    @inline(__always)
    private static func update(
        _ values: UnsafeMutablePointer<Float>, count: Int, _ function: (SIMD8<Float>) -> SIMD8<Float>
    ) {
        var index = 0
        while index + 8 <= count {
            values.store8(function(values.load8(index)), at: index)
            index += 8
        }
        guard index < count else { return }
        var rest = SIMD8<Float>(repeating: values[index])
        for lane in 0..<(count - index) { rest[lane] = values[index + lane] }
        rest = function(rest)
        for lane in 0..<(count - index) { values[index + lane] = rest[lane] }
    }
}
