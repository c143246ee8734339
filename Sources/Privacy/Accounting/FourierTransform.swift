#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The discrete Fourier transform of a power-of-two length in double precision; Cooley & Tukey 1965.
struct FourierTransform {
    let count: Int
    /// e^(−2πik/count) for k below half the length.
    private let cosines: [Double]
    private let sines: [Double]

    init(count: Int) {
        precondition(count > 0 && count & (count - 1) == 0, "a Fourier transform of \(count) values")
        self.count = count
        let step = -2 * Double.pi / Double(count)
        cosines = (0..<count / 2).map { cos(step * Double($0)) }
        sines = (0..<count / 2).map { sin(step * Double($0)) }
    }

    /// Transforms in place.
    func forward(_ real: inout [Double], _ imaginary: inout [Double]) {
        precondition(real.count == count && imaginary.count == count, "other values than the transform's")
        real.withUnsafeMutableBufferPointer { x in
            imaginary.withUnsafeMutableBufferPointer { y in
                cosines.withUnsafeBufferPointer { c in
                    sines.withUnsafeBufferPointer { s in
                        transform(x.baseAddress!, y.baseAddress!, c.baseAddress, s.baseAddress)
                    }
                }
            }
        }
    }

    /// Undoes `forward`, with its factor 1/count.
    func inverse(_ real: inout [Double], _ imaginary: inout [Double]) {
        forward(&imaginary, &real)
        let factor = 1 / Double(count)
        for i in 0..<count {
            real[i] *= factor
            imaginary[i] *= factor
        }
    }

    private func transform(
        _ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ c: UnsafePointer<Double>?,
        _ s: UnsafePointer<Double>?
    ) {
        guard count > 1, let c, let s else { return }
        let shift = UInt64(64 - count.trailingZeroBitCount)
        for i in 0..<count {
            let j = Int(Self.reversed(UInt64(i)) >> shift)
            if i < j {
                swap(&x[i], &x[j])
                swap(&y[i], &y[j])
            }
        }
        // The short stages go through blocks that a cache holds, one block after the other.
        let block = min(count, 1 << 12)
        for first in stride(from: 0, to: count, by: block) {
            var half = 1
            while half < block {
                stage(x + first, y + first, c, s, half: half, count: block)
                half *= 2
            }
        }
        var half = block
        while half < count {
            stage(x, y, c, s, half: half, count: count)
            half *= 2
        }
    }

    /// One stage: butterflies between values that lie `half` apart.
    private func stage(
        _ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ c: UnsafePointer<Double>,
        _ s: UnsafePointer<Double>, half: Int, count length: Int
    ) {
        let stride = count / (2 * half)
        for first in Swift.stride(from: 0, to: length, by: 2 * half) {
            for k in 0..<half {
                let (low, high) = (first &+ k, first &+ k &+ half)
                let (cosine, sine) = (c[k &* stride], s[k &* stride])
                let real = x[high] * cosine - y[high] * sine
                let imaginary = x[high] * sine + y[high] * cosine
                (x[high], y[high]) = (x[low] - real, y[low] - imaginary)
                (x[low], y[low]) = (x[low] + real, y[low] + imaginary)
            }
        }
    }

    private static func reversed(_ value: UInt64) -> UInt64 {
        var v = value
        v = (v >> 1) & 0x5555_5555_5555_5555 | (v & 0x5555_5555_5555_5555) << 1
        v = (v >> 2) & 0x3333_3333_3333_3333 | (v & 0x3333_3333_3333_3333) << 2
        v = (v >> 4) & 0x0f0f_0f0f_0f0f_0f0f | (v & 0x0f0f_0f0f_0f0f_0f0f) << 4
        return v.byteSwapped
    }
}
