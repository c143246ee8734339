/// The number-theoretic transform modulo Xᴺ + 1: products of polynomials become products value by value.
///
/// With Shoup's multiplication and Harvey's late reduction ("Faster arithmetic for number-theoretic transforms", 2014). The
/// transform's values lie in bit-reversed order, which sums and products do not see.
public struct NegacyclicNTT: Sendable {
    public let degree: Int
    public let modulus: Modulus
    /// Powers of ψ, a 2N-th root of unity, and of 1/ψ, in bit-reversed order.
    private let roots: [ShoupFactor]
    private let inverseRoots: [ShoupFactor]
    /// 1/N, and that times the last inverse root.
    private let inverseDegree: ShoupFactor
    private let lastInverseRoot: ShoupFactor

    /// - Parameters:
    ///   - degree: N, a power of 2 from 8 on.
    ///   - modulus: a prime q < 2⁶¹ with q ≡ 1 modulo 2N, as `NTTPrimes` finds them.
    public init(degree: Int, modulus: UInt64) {
        precondition(degree >= 8 && degree.nonzeroBitCount == 1, "the degree must be a power of 2 from 8 on")
        precondition(
            modulus < 1 << 61 && modulus % UInt64(2 * degree) == 1 && NTTPrimes.isPrime(modulus),
            "the modulus must be a prime below 2⁶¹ that leaves 1 modulo twice the degree")
        self.degree = degree
        let q = Modulus(modulus)
        self.modulus = q
        let root = Self.primitiveRoot(of: UInt64(2 * degree), modulo: q)
        roots = Self.powers(of: root, count: degree, modulo: q)
        inverseRoots = Self.powers(of: q.inverse(root), count: degree, modulo: q)
        let inverse = q.inverse(UInt64(degree))
        inverseDegree = ShoupFactor(inverse, modulo: q)
        lastInverseRoot = ShoupFactor(q.multiply(inverse, inverseRoots[1].value), modulo: q)
    }

    /// From coefficients to values, in place.
    ///
    /// - Parameter values: N numbers below 4q; afterwards below q.
    public func forward(_ values: UnsafeMutableBufferPointer<UInt64>) {
        precondition(values.count == degree, "the transform takes \(degree) values")
        let (x, q) = (values.baseAddress!, modulus.value)
        let twice = 2 * q
        roots.withUnsafeBufferPointer { buffer in
            let roots = buffer.baseAddress!
            var (blocks, gap) = (1, degree / 2)
            while gap >= 4 {
                for block in 0..<blocks {
                    let root = roots[blocks + block]
                    let low = x + 2 * gap * block
                    let high = low + gap
                    var i = 0
                    while i < gap {
                        Self.butterfly(low + i, high + i, root, q, twice)
                        Self.butterfly(low + i + 1, high + i + 1, root, q, twice)
                        Self.butterfly(low + i + 2, high + i + 2, root, q, twice)
                        Self.butterfly(low + i + 3, high + i + 3, root, q, twice)
                        i += 4
                    }
                }
                (blocks, gap) = (blocks * 2, gap / 2)
            }
            // The last two layers together, four neighbours at a time.
            for block in 0..<blocks {
                let four = x + 4 * block
                let outer = roots[blocks + block]
                Self.butterfly(four, four + 2, outer, q, twice)
                Self.butterfly(four + 1, four + 3, outer, q, twice)
                Self.butterfly(four, four + 1, roots[2 * (blocks + block)], q, twice)
                Self.butterfly(four + 2, four + 3, roots[2 * (blocks + block) + 1], q, twice)
                for i in 0..<4 {
                    let y = min(four[i], four[i] &- twice)
                    four[i] = min(y, y &- q)
                }
            }
        }
    }

    /// From values to coefficients, in place.
    ///
    /// - Parameter values: N numbers below 2q; afterwards below q.
    public func inverse(_ values: UnsafeMutableBufferPointer<UInt64>) {
        precondition(values.count == degree, "the transform takes \(degree) values")
        let (x, q) = (values.baseAddress!, modulus.value)
        let twice = 2 * q
        inverseRoots.withUnsafeBufferPointer { buffer in
            let roots = buffer.baseAddress!
            var (blocks, gap) = (degree / 4, 4)
            // The first two layers together, four neighbours at a time.
            for block in 0..<blocks {
                let four = x + 4 * block
                Self.inverseButterfly(four, four + 1, roots[2 * (blocks + block)], q, twice)
                Self.inverseButterfly(four + 2, four + 3, roots[2 * (blocks + block) + 1], q, twice)
                let outer = roots[blocks + block]
                Self.inverseButterfly(four, four + 2, outer, q, twice)
                Self.inverseButterfly(four + 1, four + 3, outer, q, twice)
            }
            blocks /= 2
            while blocks > 1 {
                for block in 0..<blocks {
                    let root = roots[blocks + block]
                    let low = x + 2 * gap * block
                    let high = low + gap
                    var i = 0
                    while i < gap {
                        Self.inverseButterfly(low + i, high + i, root, q, twice)
                        Self.inverseButterfly(low + i + 1, high + i + 1, root, q, twice)
                        Self.inverseButterfly(low + i + 2, high + i + 2, root, q, twice)
                        Self.inverseButterfly(low + i + 3, high + i + 3, root, q, twice)
                        i += 4
                    }
                }
                (blocks, gap) = (blocks / 2, gap * 2)
            }
        }
        // The last layer, with 1/N in it.
        let half = degree / 2
        for i in 0..<half {
            let (a, b) = (x[i], x[half + i])
            x[i] = inverseDegree.multiply(a &+ b, modulo: q)
            x[half + i] = lastInverseRoot.multiply(a &+ twice &- b, modulo: q)
        }
    }

    /// Cooley and Tukey's: numbers below 4q in and out.
    @inline(__always) private static func butterfly(
        _ low: UnsafeMutablePointer<UInt64>, _ high: UnsafeMutablePointer<UInt64>, _ root: ShoupFactor, _ q: UInt64,
        _ twice: UInt64
    ) {
        let a = min(low.pointee, low.pointee &- twice)
        let b = root.lazyMultiply(high.pointee, modulo: q)
        low.pointee = a &+ b
        high.pointee = a &+ twice &- b
    }

    /// Gentleman and Sande's: numbers below 2q in and out.
    @inline(__always) private static func inverseButterfly(
        _ low: UnsafeMutablePointer<UInt64>, _ high: UnsafeMutablePointer<UInt64>, _ root: ShoupFactor, _ q: UInt64,
        _ twice: UInt64
    ) {
        let (a, b) = (low.pointee, high.pointee)
        let sum = a &+ b
        low.pointee = min(sum, sum &- twice)
        high.pointee = root.lazyMultiply(a &+ twice &- b, modulo: q)
    }

    /// The powers 0 to `count` − 1 of a root, each at the place of its exponent with the bits reversed.
    private static func powers(of root: UInt64, count: Int, modulo q: Modulus) -> [ShoupFactor] {
        let shift = UInt64(count.leadingZeroBitCount + 1)
        let step = ShoupFactor(root, modulo: q)
        var powers = [ShoupFactor](repeating: ShoupFactor(1, modulo: q), count: count)
        var power: UInt64 = 1
        for exponent in 0..<count {
            let place = Int(exponent.bitPattern.bitReversed >> shift)
            powers[place] = ShoupFactor(power, modulo: q)
            power = step.multiply(power, modulo: q.value)
        }
        return powers
    }

    /// The root of unity of an order that is a power of 2: the same at every site, since the candidates are tried in turn.
    private static func primitiveRoot(of order: UInt64, modulo q: Modulus) -> UInt64 {
        var candidate: UInt64 = 2
        while true {
            let root = q.power(candidate, (q.value - 1) / order)
            if q.power(root, order / 2) == q.value - 1 { return root }
            candidate += 1
        }
    }
}

extension Int {
    fileprivate var bitPattern: UInt64 { UInt64(self) }
}

extension UInt64 {
    fileprivate var bitReversed: UInt64 {
        var x = byteSwapped
        x = (x >> 4) & 0x0f0f_0f0f_0f0f_0f0f | (x & 0x0f0f_0f0f_0f0f_0f0f) << 4
        x = (x >> 2) & 0x3333_3333_3333_3333 | (x & 0x3333_3333_3333_3333) << 2
        x = (x >> 1) & 0x5555_5555_5555_5555 | (x & 0x5555_5555_5555_5555) << 1
        return x
    }
}
