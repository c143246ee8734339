#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension PrivacyLossDistribution {
    /// Mass outside of what a composition keeps; it counts as an infinite loss.
    private static let tail = 1e-15
    static let mostComposedMasses = 1 << 21

    /// What releases cost together, each so often: the product of their Fourier transforms, taken to powers.
    ///
    /// Losses are kept between bounds beyond which, after Chernoff, next to nothing lies. What rounding in the transform
    /// may hide is added to the infinite mass.
    ///
    /// - Parameter parts: on one grid.
    /// - Returns: nil where more than `mostComposedMasses` intervals lie between the bounds.
    static func composed(_ parts: [(loss: PrivacyLossDistribution, count: Int)]) -> PrivacyLossDistribution? {
        guard let interval = parts.first?.loss.interval else { return nil }
        guard let bounds = bounds(parts, interval: interval) else { return nil }
        var length = 1
        while length < bounds.count { length *= 2 }
        let transform = FourierTransform(count: length)
        var (real, imaginary) = ([Double](repeating: 1, count: length), [Double](repeating: 0, count: length))
        var (logFinite, base, releases) = (0.0, 0, 0.0)
        for (loss, count) in parts {
            // Indices count round and round: what the bounds hold comes out where it belongs.
            var (x, y) = ([Double](repeating: 0, count: length), [Double](repeating: 0, count: length))
            for (place, mass) in loss.masses.enumerated() { x[place & (length - 1)] += mass }
            transform.forward(&x, &y)
            multiply(&real, &imaginary, by: x, y, power: count)
            logFinite += Double(count) * log1p(-loss.infinityMass)
            base += loss.lowest * count
            releases += Double(count)
        }
        transform.inverse(&real, &imaginary)
        var result = PrivacyLossDistribution(interval: interval, indices: bounds)
        for place in 0..<bounds.count { result.masses[place] = real[(bounds.lowerBound + place - base) & (length - 1)] }
        result.infinityMass = tail - expm1(logFinite) + (releases + 1000) * 1e-15
        return result
    }

    private static func multiply(
        _ real: inout [Double], _ imaginary: inout [Double], by x: [Double], _ y: [Double], power: Int
    ) {
        for i in real.indices {
            var (a, b) = (x[i], y[i])
            // e⁻¹⁰⁰ is nothing; on its way below the smallest double a number takes a hundred times as long.
            guard Double(power) * log(a * a + b * b) > -200 else {
                (real[i], imaginary[i]) = (0, 0)
                continue
            }
            var (c, d) = (real[i], imaginary[i])
            var left = power
            while true {
                if left & 1 == 1 { (c, d) = (c * a - d * b, c * b + d * a) }
                left >>= 1
                if left == 0 { break }
                (a, b) = (a * a - b * b, 2 * a * b)
            }
            (real[i], imaginary[i]) = (c, d)
        }
    }

    /// Indices beyond which less than `tail` of the sum's mass lies.
    private static func bounds(
        _ parts: [(loss: PrivacyLossDistribution, count: Int)], interval: Double
    ) -> ClosedRange<Int>? {
        var (low, high, variance) = (0.0, 0.0, 0.0)
        for (loss, count) in parts {
            low += Double(loss.lowest) * Double(count)
            high += Double(loss.lowest + loss.masses.count - 1) * Double(count)
            variance += Double(count) * loss.variance
        }
        let deviation = max(1, variance.squareRoot())
        let logMasses = parts.map { part in part.loss.masses.map { $0 > 0 ? log($0) : -.infinity } }
        // 8 standard deviations are the tail of a normal distribution, for which this is the best order.
        for step in -6...8 {
            let order = 8 / deviation * exp2(Double(step) / 2)
            for order in [order, -order] {
                var moment = log(2 / tail)
                for (part, logs) in zip(parts, logMasses) {
                    moment += Double(part.count) * part.loss.logMoment(order, logs)
                }
                guard moment.isFinite else { continue }
                if order > 0 { high = min(high, (moment / order).rounded(.up)) }
                if order < 0 { low = max(low, (moment / order).rounded(.down)) }
            }
        }
        guard low <= high, high - low < Double(mostComposedMasses), abs(low) < 0x1p60, abs(high) < 0x1p60 else {
            return nil
        }
        return Int(low)...Int(high)
    }

    /// Of the finite losses, in intervals squared.
    private var variance: Double {
        var (mass, first, second) = (0.0, 0.0, 0.0)
        for (place, m) in masses.enumerated() {
            let index = Double(lowest + place)
            mass += m
            first += m * index
            second += m * index * index
        }
        return mass > 0 ? max(0, second / mass - first * first / (mass * mass)) : 0
    }

    /// ln Σ m e^(order · index).
    private func logMoment(_ order: Double, _ logMasses: [Double]) -> Double {
        var largest = -Double.infinity
        for place in logMasses.indices {
            largest = max(largest, logMasses[place] + order * Double(lowest + place))
        }
        guard largest.isFinite else { return largest }
        var sum = 0.0
        for place in logMasses.indices {
            let exponent = logMasses[place] + order * Double(lowest + place) - largest
            if exponent > -45 { sum += exp(exponent) } else { sum += 2.9e-20 }
        }
        return largest + log(sum)
    }
}
