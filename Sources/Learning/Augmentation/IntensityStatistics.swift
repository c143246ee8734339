/// Mean, standard deviation and range of a channel, in one pass.
struct IntensityStatistics {
    var mean: Double
    /// With n − 1 in the denominator.
    var standardDeviation: Double
    var minimum: Float
    var maximum: Float

    init(_ values: UnsafePointer<Float>, count: Int) {
        guard count > 0 else {
            (mean, standardDeviation, minimum, maximum) = (0, 0, 0, 0)
            return
        }
        // Sums of the distances from some value of the channel, in single precision over short runs.
        let shift = values[count / 2]
        var sum = 0.0
        var squares = 0.0
        var low = SIMD8<Float>(repeating: values[0])
        var high = low
        var index = 0
        let whole = count / 8 * 8
        while index < whole {
            let end = min(whole, index + 1024)
            var runSum = SIMD8<Float>(repeating: 0)
            var runSquares = SIMD8<Float>(repeating: 0)
            while index < end {
                let value = values.load8(index)
                low.replace(with: value, where: value .< low)
                high.replace(with: value, where: value .> high)
                let distance = value - shift
                runSum += distance
                runSquares += distance * distance
                index += 8
            }
            for lane in 0..<8 {
                sum += Double(runSum[lane])
                squares += Double(runSquares[lane])
            }
        }
        var (minimum, maximum) = (low.min(), high.max())
        while index < count {
            let value = values[index]
            minimum = min(minimum, value)
            maximum = max(maximum, value)
            let distance = Double(value - shift)
            sum += distance
            squares += distance * distance
            index += 1
        }
        (self.minimum, self.maximum) = (minimum, maximum)
        mean = Double(shift) + sum / Double(count)
        standardDeviation =
            count > 1 ? (max(0, squares - sum * sum / Double(count)) / Double(count - 1)).squareRoot() : 0
    }
}
