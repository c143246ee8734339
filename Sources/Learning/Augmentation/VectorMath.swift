/// Elementary functions on eight floats at once, by the polynomials of the Cephes library: within 2e-7 relative.
package enum VectorMath {
    /// The logarithm to base two of positive, normal numbers; about −127 for zero.
    @inline(__always)
    package static func log2(_ x: SIMD8<Float>) -> SIMD8<Float> {
        let bits = SIMD8<UInt32>(bitPattern: x)
        // Mantissa in [√½, √2), so that the series is about one and the exponent whole.
        let shifted = bits &- 0x3F35_04F3
        let exponent = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &>> 23
        let mantissa = SIMD8<Float>(bitPattern: (shifted & 0x007F_FFFF) &+ 0x3F35_04F3)
        let f = mantissa - 1
        // In pairs of powers, which do not wait for each other.
        let square = f * f
        let p01 = 3.3333331174e-1 - 2.4999993993e-1 * f
        let p23 = 2.0000714765e-1 - 1.6668057665e-1 * f
        let p45 = 1.4249322787e-1 - 1.2420140846e-1 * f
        let p67 = 1.1676998740e-1 - 1.1514610310e-1 * f
        let fourth = square * square
        let p = p01 + p23 * square + (p45 + p67 * square + 7.0376836292e-2 * fourth) * fourth
        let natural = f - 0.5 * square + f * square * p
        return natural * 1.442_695_04 + float(exponent)
    }

    /// Two to the power of `x`; no overflow for x below 128, and 2⁻¹²⁶ at the least.
    @inline(__always)
    package static func exp2(_ x: SIMD8<Float>) -> SIMD8<Float> {
        let low = SIMD8<Float>(repeating: -126)
        let clamped = x.replacing(with: low, where: x .< low)
        let (whole, exponent) = nearest(clamped)
        let f = clamped - whole
        let square = f * f
        let p01 = 1 + 6.931472028550421e-1 * f
        let p23 = 2.402264791363012e-1 + 5.550332471162809e-2 * f
        let p45 = 9.618437357674640e-3 + 1.339887440266574e-3 * f
        let p = p01 + p23 * square + (p45 + 1.535336188319500e-4 * square) * (square * square)
        return p * unsafeBitCast((exponent &+ 127) &<< 23, to: SIMD8<Float>.self)
    }

    /// sin 2πt and cos 2πt for t in [−½, ½].
    @inline(__always)
    package static func sineAndCosine(turns t: SIMD8<Float>) -> (SIMD8<Float>, SIMD8<Float>) {
        // Of half the angle, in [−π/2, π/2], and doubled.
        let a = t * Float.pi
        let q = a * a
        var s = SIMD8<Float>(repeating: -2.3889859e-8)
        s = s * q + 2.7525562e-6
        s = s * q - 1.9840874e-4
        s = s * q + 8.3333310e-3
        s = s * q - 1.6666667e-1
        let sine = a + a * q * s
        var c = SIMD8<Float>(repeating: -2.6051615e-7)
        c = c * q + 2.4760495e-5
        c = c * q - 1.3888378e-3
        c = c * q + 4.1666638e-2
        c = c * q - 0.5
        let cosine = 1 + q * c
        return (2 * sine * cosine, 1 - 2 * sine * sine)
    }

    /// The square root, within 5e-6 relative, by Newton's method on its inverse; the library's is not vectorised.
    @inline(__always)
    package static func squareRoot(_ x: SIMD8<Float>) -> SIMD8<Float> {
        let guess = 0x5F37_59DF &- (SIMD8<UInt32>(bitPattern: x) &>> 1)
        var inverse = SIMD8<Float>(bitPattern: guess)
        let half = 0.5 * x
        inverse *= 1.5 - half * inverse * inverse
        inverse *= 1.5 - half * inverse * inverse
        return x * inverse
    }

    /// The nearest whole number, halves to even, as a float and as an integer; for |x| below 2²².
    @inline(__always)
    static func nearest(_ x: SIMD8<Float>) -> (SIMD8<Float>, SIMD8<Int32>) {
        let magic = SIMD8<Float>(repeating: 12_582_912)  // 1.5 · 2²³: what is left of the mantissa is whole
        let sum = x + magic
        let integer = unsafeBitCast(sum, to: SIMD8<Int32>.self) &- 0x4B40_0000
        return (sum - magic, integer)
    }

    /// The conversion of small integers (|x| below 2²²), without the checks of the standard one.
    @inline(__always)
    static func float(_ x: SIMD8<Int32>) -> SIMD8<Float> {
        unsafeBitCast(x &+ 0x4B40_0000, to: SIMD8<Float>.self) - 12_582_912
    }
}

extension SIMD8 where Scalar == Float {
    @inline(__always)
    init(bitPattern bits: SIMD8<UInt32>) { self = unsafeBitCast(bits, to: SIMD8<Float>.self) }
}

extension SIMD8 where Scalar == UInt32 {
    @inline(__always)
    init(bitPattern values: SIMD8<Float>) { self = unsafeBitCast(values, to: SIMD8<UInt32>.self) }
}

extension UnsafePointer where Pointee == Float {
    @inline(__always)
    func load8(_ index: Int) -> SIMD8<Float> {
        UnsafeRawPointer(self + index).loadUnaligned(as: SIMD8<Float>.self)
    }
}

extension UnsafeMutablePointer where Pointee == Float {
    @inline(__always)
    func load8(_ index: Int) -> SIMD8<Float> {
        UnsafeRawPointer(self + index).loadUnaligned(as: SIMD8<Float>.self)
    }

    @inline(__always)
    func store8(_ value: SIMD8<Float>, at index: Int) {
        UnsafeMutableRawPointer(self + index).storeBytes(of: value, as: SIMD8<Float>.self)
    }
}
