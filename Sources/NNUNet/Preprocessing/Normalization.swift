import Imaging

extension NormalizationScheme {
    /// Brings one channel to its scale, in place.
    ///
    /// - Parameters:
    ///   - labels: of the cropped case; voxels below 0 lie outside of the nonzero mask.
    ///   - intensities: of the fingerprint, for CT.
    ///   - useMask: mean and deviation of the inside only, and the outside left as it is.
    func normalize(
        _ values: UnsafeMutableBufferPointer<Float>, labels: UnsafeBufferPointer<Int16>,
        intensities: IntensityProperties, useMask: Bool
    ) throws {
        let smallest: Float = 1e-8
        switch self {
        case .none: return
        case .zScore:
            let (mean, deviation) = Self.moments(values, useMask ? labels : nil)
            let (m, factor) = (Float(mean), max(Float(deviation), smallest))
            if useMask {
                for i in values.indices where labels[i] >= 0 { values[i] = (values[i] - m) / factor }
            } else {
                for i in values.indices { values[i] = (values[i] - m) / factor }
            }
        case .ct:
            let (low, high) = (Float(intensities.percentile005), Float(intensities.percentile995))
            let (mean, factor) = (Float(intensities.mean), max(Float(intensities.std), smallest))
            for i in values.indices { values[i] = (max(low, min(high, values[i])) - mean) / factor }
        case .rescaleTo01:
            var (low, high) = (Float.infinity, -Float.infinity)
            for value in values { (low, high) = (min(low, value), max(high, value)) }
            let range = max(high - low, smallest)
            for i in values.indices { values[i] = (values[i] - low) / range }
        case .rgbTo01:
            guard values.allSatisfy({ $0 >= 0 && $0 <= 255 }) else {
                throw NNUNetError.plan(
                    "A channel named rgb_to_0_1 must hold values from 0 to 255. Rename the channel in dataset.json.")
            }
            for i in values.indices { values[i] /= 255 }
        }
    }

    /// Mean and population deviation, summed in double precision; over voxels with a label of at least 0 if labels are given.
    private static func moments(
        _ values: UnsafeMutableBufferPointer<Float>, _ labels: UnsafeBufferPointer<Int16>?
    ) -> (mean: Double, deviation: Double) {
        var sum = 0.0
        var count = 0
        for i in values.indices where labels == nil || labels![i] >= 0 {
            sum += Double(values[i])
            count += 1
        }
        guard count > 0 else { return (0, 0) }
        let mean = sum / Double(count)
        var squares = 0.0
        for i in values.indices where labels == nil || labels![i] >= 0 {
            let difference = Double(values[i]) - mean
            squares += difference * difference
        }
        return (mean, (squares / Double(count)).squareRoot())
    }
}
