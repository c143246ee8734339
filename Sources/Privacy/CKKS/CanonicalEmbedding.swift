#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Real polynomials modulo Xᴺ + 1 and their values at ζ^(4k+1), ζ the 2N-th root of unity: CKKS's encoding.
///
/// Those are N/2 complex numbers, one of each conjugate pair, and hold N real ones: the first half real parts, the second
/// imaginary parts. Xᴺ + 1 = (X^(N/2) − i)(X^(N/2) + i), and modulo the first, coefficients n and n + N/2 are one complex
/// coefficient; so this is a complex transform of half the length, with the twist in its roots as in the number-theoretic
/// one. The values lie in bit-reversed order, which sums do not see.
public struct CanonicalEmbedding: Sendable {
    public let degree: Int
    private let cosines: [Double]
    private let sines: [Double]

    /// - Parameter degree: N, a power of 2 from 32 on.
    public init(degree: Int) {
        precondition(degree >= 32 && degree.nonzeroBitCount == 1)
        self.degree = degree
        // Node k splits X^m − e^(2ia) into X^(m/2) ∓ e^(ia); in units of π the angles are exact.
        var angles = [Double](repeating: 0.25, count: degree / 2)
        for k in 1..<degree / 4 {
            angles[2 * k] = angles[k] / 2
            angles[2 * k + 1] = angles[k] / 2 + 0.5
        }
        cosines = angles.map { cos($0 * .pi) }
        sines = angles.map { sin($0 * .pi) }
    }

    /// From coefficients to values, in place.
    ///
    /// - Parameter numbers: N numbers, 64-byte aligned.
    public func evaluate(_ numbers: UnsafeMutablePointer<Double>) {
        let (re, im) = (numbers, numbers + degree / 2)
        var (blocks, gap) = (1, degree / 4)
        while gap >= 4 {
            for block in 0..<blocks {
                let (c, s) = (SIMD4(repeating: cosines[blocks + block]), SIMD4(repeating: sines[blocks + block]))
                let first = 2 * gap * block
                var i = first
                while i < first + gap {
                    let (a, ai) = (Self.load(re + i), Self.load(im + i))
                    let (b, bi) = (Self.load(re + i + gap), Self.load(im + i + gap))
                    let (t, ti) = (b * c - bi * s, b * s + bi * c)
                    Self.store(a + t, re + i)
                    Self.store(ai + ti, im + i)
                    Self.store(a - t, re + i + gap)
                    Self.store(ai - ti, im + i + gap)
                    i += 4
                }
            }
            (blocks, gap) = (blocks * 2, gap / 2)
        }
        while gap >= 1 {
            for block in 0..<blocks {
                let (c, s) = (cosines[blocks + block], sines[blocks + block])
                for i in 2 * gap * block..<2 * gap * block + gap {
                    let (a, ai, b, bi) = (re[i], im[i], re[i + gap], im[i + gap])
                    let (t, ti) = (b * c - bi * s, b * s + bi * c)
                    (re[i], im[i], re[i + gap], im[i + gap]) = (a + t, ai + ti, a - t, ai - ti)
                }
            }
            (blocks, gap) = (blocks * 2, gap / 2)
        }
    }

    /// From values to coefficients times N/2, in place.
    ///
    /// - Parameter numbers: N numbers, 64-byte aligned.
    public func interpolate(_ numbers: UnsafeMutablePointer<Double>) {
        let (re, im) = (numbers, numbers + degree / 2)
        var (blocks, gap) = (degree / 4, 1)
        while gap < 4 {
            for block in 0..<blocks {
                let (c, s) = (cosines[blocks + block], sines[blocks + block])
                for i in 2 * gap * block..<2 * gap * block + gap {
                    let (a, ai, b, bi) = (re[i], im[i], re[i + gap], im[i + gap])
                    let (d, di) = (a - b, ai - bi)
                    (re[i], im[i], re[i + gap], im[i + gap]) = (a + b, ai + bi, d * c + di * s, di * c - d * s)
                }
            }
            (blocks, gap) = (blocks / 2, gap * 2)
        }
        while blocks >= 1 {
            for block in 0..<blocks {
                let (c, s) = (SIMD4(repeating: cosines[blocks + block]), SIMD4(repeating: sines[blocks + block]))
                let first = 2 * gap * block
                var i = first
                while i < first + gap {
                    let (a, ai) = (Self.load(re + i), Self.load(im + i))
                    let (b, bi) = (Self.load(re + i + gap), Self.load(im + i + gap))
                    let (d, di) = (a - b, ai - bi)
                    Self.store(a + b, re + i)
                    Self.store(ai + bi, im + i)
                    Self.store(d * c + di * s, re + i + gap)
                    Self.store(di * c - d * s, im + i + gap)
                    i += 4
                }
            }
            (blocks, gap) = (blocks / 2, gap * 2)
        }
    }

    @inline(__always) private static func load(_ x: UnsafeMutablePointer<Double>) -> SIMD4<Double> {
        UnsafeRawPointer(x).load(as: SIMD4<Double>.self)
    }

    @inline(__always) private static func store(_ v: SIMD4<Double>, _ x: UnsafeMutablePointer<Double>) {
        UnsafeMutableRawPointer(x).storeBytes(of: v, as: SIMD4<Double>.self)
    }
}
