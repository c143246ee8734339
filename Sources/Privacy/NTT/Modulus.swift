/// Arithmetic modulo a prime q below 2⁶¹, so that four times a residue fits into 64 bits and carries can wait.
public struct Modulus: Sendable, Hashable {
    public let value: UInt64

    /// - Parameter value: a prime below 2⁶¹; that it is prime is what `inverse` and `power` by negative exponents rest on.
    public init(_ value: UInt64) {
        precondition(value > 1 && value < 1 << 61, "a modulus must lie between 2 and 2⁶¹")
        self.value = value
    }

    /// How many bits hold every residue.
    public var bitWidth: Int { 64 - (value - 1).leadingZeroBitCount }

    /// - Parameters: residues below q.
    @inline(__always) public func add(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let sum = a &+ b
        return min(sum, sum &- value)  // where the sum is below q, the difference wraps and is the larger
    }

    /// - Parameters: residues below q.
    @inline(__always) public func subtract(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let difference = a &- b
        return min(difference, difference &+ value)
    }

    @inline(__always) public func negate(_ a: UInt64) -> UInt64 { a == 0 ? 0 : value &- a }

    /// Any two residues; slow. Where one factor stays the same, `ShoupFactor` is quicker.
    public func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
        value.dividingFullWidth(a.multipliedFullWidth(by: b)).remainder
    }

    /// - Parameter a: a residue below q.
    public func power(_ a: UInt64, _ exponent: UInt64) -> UInt64 {
        var (result, square, exponent) = (1 as UInt64, a, exponent)
        while exponent > 0 {
            if exponent & 1 == 1 { result = multiply(result, square) }
            square = multiply(square, square)
            exponent >>= 1
        }
        return result
    }

    /// 1/a, by Fermat's little theorem.
    public func inverse(_ a: UInt64) -> UInt64 {
        precondition(a % value != 0, "0 has no inverse")
        return power(a, value - 2)
    }

    /// The residue of a number with a sign.
    @inline(__always) public func residue(_ a: Int64) -> UInt64 {
        let remainder = a.magnitude % value
        return a < 0 ? negate(remainder) : remainder
    }

    /// The number nearest to 0 of a residue.
    @inline(__always) public func centred(_ a: UInt64) -> Int64 {
        a > value / 2 ? Int64(a) - Int64(value) : Int64(a)
    }
}

/// A factor that stays the same, with ⌊factor · 2⁶⁴ / q⌋: multiplication by three products and no division (V. Shoup's).
public struct ShoupFactor: Sendable, Hashable {
    public let value: UInt64
    public let quotient: UInt64

    /// - Parameter value: a residue below q.
    public init(_ value: UInt64, modulo modulus: Modulus) {
        self.value = value
        quotient = modulus.value.dividingFullWidth((value, 0)).quotient
    }

    /// The product with any number of 64 bits, below 2q.
    @inline(__always) public func lazyMultiply(_ a: UInt64, modulo q: UInt64) -> UInt64 {
        value &* a &- quotient.multipliedFullWidth(by: a).high &* q
    }

    /// The product with any number of 64 bits, below q.
    @inline(__always) public func multiply(_ a: UInt64, modulo q: UInt64) -> UInt64 {
        let product = lazyMultiply(a, modulo: q)
        return min(product, product &- q)
    }
}
