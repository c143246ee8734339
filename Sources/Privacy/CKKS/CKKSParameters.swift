/// What a CKKS scheme rests on (Cheon, Kim, Kim and Song 2017): the ring's degree, its modulus as a chain of primes, and the
/// scale at which real numbers become integers.
public struct CKKSParameters: Sendable, Hashable, Codable {
    /// N of the ring Z[X]/(Xᴺ + 1).
    public let degree: Int
    /// The primes' bits. As in SEAL the last of several is not used for data, so that these are FLARE's settings as written.
    public let coefficientBits: [Int]
    /// A value v becomes v · 2^scaleBits.
    public let scaleBits: Int

    /// NVFlare's: ciphertexts modulo 100 bits of the 140, and one multiplication by a plain number.
    public static let flare = try! CKKSParameters(degree: 8192, coefficientBits: [60, 40, 40], scaleBits: 40)
    /// For sums alone: one prime of 60 bits, and so 7.5 bytes a value. Far within the bound of 128 bits of security.
    public static let additive = try! CKKSParameters(degree: 8192, coefficientBits: [60], scaleBits: 40)

    /// The longest moduli, in bits, that give 128 bits of security with ternary secrets: Homomorphic Encryption Standard
    /// 2018, table 1, as SEAL has them.
    static let longestModuli = [1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881]

    /// - Throws: `PrivacyError.setting` for parameters that are not secure, or that no number fits in.
    public init(degree: Int, coefficientBits: [Int], scaleBits: Int) throws {
        func require(_ condition: Bool, _ text: String) throws {
            if !condition { throw PrivacyError.setting("CKKS: \(text)") }
        }
        guard let longest = Self.longestModuli[degree] else {
            throw PrivacyError.setting("CKKS: the degree must be a power of 2 from 1024 to 32768, not \(degree).")
        }
        try require(
            (1...8).contains(coefficientBits.count) && coefficientBits.allSatisfy { (20...60).contains($0) },
            "the modulus takes one to eight primes of 20 to 60 bits, not \(coefficientBits).")
        let bits = coefficientBits.reduce(0, +)
        try require(
            bits <= longest,
            "a modulus of \(bits) bits is not secure at degree \(degree): it has room for \(longest). Take a higher degree."
        )
        try require(
            (10...50).contains(scaleBits) && scaleBits + 12 <= coefficientBits[0],
            "a scale of \(scaleBits) bits leaves no room in a first prime of \(coefficientBits[0]): take 10 to 50, and 12 fewer than that prime."
        )
        (self.degree, self.coefficientBits, self.scaleBits) = (degree, coefficientBits, scaleBits)
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            degree: values.decode(Int.self, forKey: .degree),
            coefficientBits: values.decode([Int].self, forKey: .coefficientBits),
            scaleBits: values.decode(Int.self, forKey: .scaleBits))
    }

    public var scale: Double { Double(1 << scaleBits as UInt64) }
    /// How many primes carry data.
    public var dataPrimes: Int { max(1, coefficientBits.count - 1) }
    /// Real numbers that one ciphertext holds: two in every complex slot.
    public var valuesPerCiphertext: Int { degree }

    /// The largest magnitude of a value times its weight: so that a thousand sites' sum stays below half the modulus, and
    /// one site's below 2⁶¹.
    public var largestValue: Double {
        let bits = min(61, coefficientBits[..<dataPrimes].reduce(0, +) - 1 - 10)
        return 0.5 * Double(1 << UInt64(bits - scaleBits) as UInt64)
    }
}
