import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sums of whole numbers under a key that no site holds: any t of n sites together open a sum, and fewer learn nothing.
///
/// Ring-LWE encryption of integers as coefficients, under the sum of the sites' public keys over a common polynomial a
/// (Mouchet et al. 2021); the sum of the sites' secrets lies among them in Shamir's shares. A partial decryption carries
/// noise 40 bits above the ciphertext's, so that it tells nothing of its site's share (Asharov et al. 2012). What comes out are
/// the integers themselves, without CKKS's errors: to whom they are shown is free.
///
/// N = 4096, log q = 100 of the 109 bits that 128 bits of security allow. A value of 26 bits takes 25 bytes on its way to the
/// sum; opening takes 12.5 down and 12.5 up at each of the t sites.
///
/// It holds against a server and fewer than t sites that follow the protocol and put together what they see. It does not hold
/// against a server that asks the sites to open a single update in place of a sum, which they cannot see: who runs such a
/// server needs the masks. Nor does anything show that a server changed a sum; wrong shares are noticed.
public struct ThresholdScheme: Sendable {
    /// n, the sites that make the key, numbered from 1.
    public let sites: Int
    /// t, how many of them open.
    public let threshold: Int
    /// Numbers lie within ± this.
    public static let largestValue: Int64 = 1 << 25
    /// So many sites' numbers add up within the modulus.
    public static let mostSites = 64

    static let degree = 4096
    static let coefficientBits = [50, 50]
    /// A number m becomes 2⁶⁷ m: above the noise of 64 partial decryptions.
    static let shift = 67
    /// Partial decryptions' noise lies within ±2⁵⁹; a sum's own within ±2¹⁹, save once in more than 10²⁰ coefficients.
    static let smudgingBits = 59

    let transforms: [NegacyclicNTT]
    let ones: [ShoupFactor]
    /// 2⁶⁷ modulo each prime.
    let scales: [ShoupFactor]
    /// a, by prime, as values.
    let common: [[ShoupFactor]]
    /// 1/q₀ modulo q₁.
    let inverse: ShoupFactor

    /// - Parameters:
    ///   - run: what a follows from; the same at all sites, and another in every run.
    /// - Throws: `PrivacyError.setting`.
    public init(sites: Int, threshold: Int, run: String) throws {
        guard (2...Self.mostSites).contains(sites), (2...sites).contains(threshold) else {
            throw PrivacyError.setting(
                "Threshold keys take 2 to \(Self.mostSites) sites, of which 2 or more must open a sum: not \(threshold) of \(sites)."
            )
        }
        (self.sites, self.threshold) = (sites, threshold)
        transforms = try NTTPrimes.chain(bits: Self.coefficientBits, degree: Self.degree).map {
            NegacyclicNTT(degree: Self.degree, modulus: $0)
        }
        let moduli = transforms.map(\.modulus)
        ones = moduli.map { ShoupFactor(1, modulo: $0) }
        scales = moduli.map { ShoupFactor($0.power(2, UInt64(Self.shift)), modulo: $0) }
        let seed = SymmetricKey(data: SHA256.hash(data: Data(("cohort threshold a\u{0}" + run).utf8)))
        common = moduli.enumerated().map { prime, q in
            var stream = KeyStream(seed, for: "a \(prime)")
            return Self.uniform(modulo: q, from: &stream).map { ShoupFactor($0, modulo: q) }
        }
        inverse = ShoupFactor(moduli[1].inverse(moduli[0].value % moduli[1].value), modulo: moduli[1])
    }

    static func uniform(modulo q: Modulus, from stream: inout KeyStream) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: degree) { output, count in
            RingSampling.uniform(output.baseAddress!, count: degree, modulo: q, from: &stream)
            count = degree
        }
    }

    /// A polynomial of whole numbers below 2⁶² in magnitude as residues modulo one prime, without a division.
    func residues(_ numbers: UnsafePointer<Int64>, prime: Int, into output: UnsafeMutablePointer<UInt64>) {
        let q = transforms[prime].modulus.value
        // A multiple of q from 2⁶² on lifts all above 0.
        let offset = ((1 as UInt64) << 62 / q + 1) * q
        let one = ones[prime]
        for i in 0..<Self.degree { output[i] = one.multiply(UInt64(bitPattern: numbers[i]) &+ offset, modulo: q) }
    }

    /// The same as values.
    func transformed(
        _ numbers: UnsafePointer<Int64>, prime: Int, into output: UnsafeMutablePointer<UInt64>
    ) {
        residues(numbers, prime: prime, into: output)
        transforms[prime].forward(UnsafeMutableBufferPointer(start: output, count: Self.degree))
    }

    func transformed(_ numbers: [Int64], prime: Int) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: Self.degree) { output, count in
            transformed(numbers, prime: prime, into: output.baseAddress!)
            count = Self.degree
        }
    }

    static func blocks(for count: Int) -> Int { (count + degree - 1) / degree }
}
