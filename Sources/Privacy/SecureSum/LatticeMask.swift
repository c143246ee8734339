import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A lattice mask: values hidden by a·s + e, where a is public, and only the sum of the short secrets s is ever opened.
///
/// In ℤ_q[X] / (X²⁰⁴⁸ + 1) with q of 54 bits (ring learning with errors; Lyubashevsky, Peikert and Regev 2010). The server adds
/// up what the sites send, takes a · Σs away and rounds Σe off, which never reaches half a step: the sum is exact. For degree
/// 2048 and secrets no wider than ternary, 54 bits are the most at which the best known attacks need 2¹²⁸ steps
/// (Homomorphic Encryption Standard, Albrecht et al. 2018, classical attacks); for wider secrets a little more is allowed.
///
/// The opened sums Σs and Σe tell something of each site's s and e. So both are centred binomial over 84 coins (variance 21):
/// of two honest sites whose sums are known, each coordinate of either is still spread with variance 10.5, as wide as the
/// errors that the table is for (σ = 3.2). Ternary secrets would not do: two of them that add up to ±2 are known, which is so
/// for 2 coordinates in 9.
package struct LatticeMask: Sendable {
    static let degree = 2048
    static let bits = 54
    /// What one unit of a value is: 32 bits of the sum lie above it, Σe below half of it.
    private static let stepBits: Int64 = 21
    private static let step: Int64 = 1 << stepBits
    /// Of each coordinate of s and e, at every site.
    private static let largestError = 42
    /// Sites whose errors cannot add up to half a step.
    static let mostSites = Int(step) / 2 / largestError - 1

    private static let shared = Result {
        NegacyclicNTT(degree: degree, modulus: try NTTPrimes.largest(1, bits: bits, degree: degree)[0])
    }

    private let transform: NegacyclicNTT
    /// Everyone's: where a comes from.
    private let seed: SymmetricKey

    /// - Parameter binding: of the sum; its polynomials are of no other sum.
    init(_ binding: Data, circle: Int) throws {
        transform = try Self.shared.get()
        var context = Canonical("secure sum: lattice")
        context.add(circle)
        seed = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: binding), info: context.data, outputByteCount: 32)
    }

    static func byteCount(of values: Int) -> Int { BitPacking.byteCount(values, bits: bits) }

    /// Short numbers by chance.
    package static func secret(from stream: inout KeyStream) -> [Int64] {
        var numbers = [Int64](repeating: 0, count: degree)
        numbers.withUnsafeMutableBufferPointer { addErrors($0, from: &stream) }
        return numbers
    }

    /// Twice 42 coins.
    private static func addErrors(_ numbers: UnsafeMutableBufferPointer<Int64>, from stream: inout KeyStream) {
        guard let target = numbers.baseAddress else { return }
        for _ in 0..<2 { RingSampling.addErrors(target, count: numbers.count, from: &stream) }
    }

    /// Hides values under a secret.
    ///
    /// - Parameters:
    ///   - words: integers modulo 2³², read with their sign.
    ///   - stream: for the errors.
    ///   - output: `byteCount(of:)` bytes.
    func seal(
        _ words: UnsafeBufferPointer<UInt32>, under secret: [Int64], from stream: inout KeyStream,
        into output: UnsafeMutableRawBufferPointer
    ) {
        let q = transform.modulus
        var errors = [Int64](repeating: 0, count: Self.degree)
        forEachProduct(with: secret, count: words.count) { part, product in
            errors.withUnsafeMutableBufferPointer { errors in
                errors.update(repeating: 0)
                Self.addErrors(errors, from: &stream)
                for i in 0..<part.count {
                    let value = Int64(Int32(bitPattern: words[part.lowerBound + i])) * Self.step + errors[i]
                    product[i] = q.add(product[i], UInt64(bitPattern: value + (value >> 63 & Int64(q.value))))
                }
            }
            guard let target = output.baseAddress, let numbers = product.baseAddress else { return }
            BitPacking.pack(
                numbers, count: part.count, bits: Self.bits, into: target + Self.byteCount(of: part.lowerBound))
        }
    }

    /// The sum of the values, modulo 2³².
    ///
    /// - Parameters:
    ///   - secret: the sum of the secrets.
    ///   - count: of values.
    ///   - next: adds up the sites' numbers of a part, modulo q.
    func open(
        under secret: [Int64], count: Int, _ next: (Range<Int>, UnsafeMutablePointer<UInt64>) throws -> Void
    ) throws -> [UInt32] {
        let q = transform.modulus
        var words = [UInt32](repeating: 0, count: count)
        var sums = [UInt64](repeating: 0, count: Self.degree)
        try forEachProduct(with: secret, count: count) { part, product in
            try sums.withUnsafeMutableBufferPointer { sums in
                guard let first = sums.baseAddress else { return }
                sums.update(repeating: 0)
                try next(part, first)
                for i in 0..<part.count {
                    let value = q.centred(q.subtract(sums[i], product[i]))
                    words[part.lowerBound + i] = UInt32(truncatingIfNeeded: (value + Self.step / 2) >> Self.stepBits)
                }
            }
        }
        return words
    }

    var modulus: Modulus { transform.modulus }

    /// Makes the public polynomials one after the other, and their products with a secret.
    private func forEachProduct(
        with secret: [Int64], count: Int, _ body: (Range<Int>, UnsafeMutableBufferPointer<UInt64>) throws -> Void
    ) rethrows {
        let q = transform.modulus
        var values = secret.map { q.residue($0) }
        values.withUnsafeMutableBufferPointer { transform.forward($0) }
        let factors = values.map { ShoupFactor($0, modulo: q) }
        var stream = KeyStream(key: seed)
        var product = [UInt64](repeating: 0, count: Self.degree)
        for first in stride(from: 0, to: count, by: Self.degree) {
            try product.withUnsafeMutableBufferPointer { product in
                guard let numbers = product.baseAddress else { return }
                // Evenly spread values are those of an evenly spread polynomial: a needs no transform.
                RingSampling.uniform(numbers, count: Self.degree, modulo: q, from: &stream)
                for i in 0..<Self.degree { numbers[i] = factors[i].multiply(numbers[i], modulo: q.value) }
                transform.inverse(product)
                try body(first..<min(first + Self.degree, count), product)
            }
        }
    }
}
