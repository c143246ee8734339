#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Many values under CKKS: one site's, or a sum over sites.
///
/// Of the two polynomials of each ciphertext only the first is kept: the second is the sum of what the sites' seeds give.
/// Nothing here is secret; but what comes out of its opening must stay with those who hold the key, since results of CKKS
/// with their errors betray it (IND-CPA-D: Li and Micciancio 2021).
public struct CKKSVector: Sendable {
    /// What one site has put in.
    public struct Term: Sendable, Hashable, Codable {
        public let site: String
        /// What the site's values were multiplied by.
        public let weight: Double
        /// What the second polynomials follow from: 32 bytes, new for every sealing.
        public let seed: Data
    }

    public let parameters: CKKSParameters
    /// Values in all.
    public let count: Int
    /// By name; a sum is divided by their weights' sum once it is open.
    public internal(set) var terms: [Term]
    /// By prime, the tags' sum; nil once it was multiplied.
    var tag: [UInt64]?
    /// First polynomials as transforms: by ciphertext, then prime.
    var residues: [UInt64]
    /// Second polynomials, likewise; nil where they follow from the seeds.
    var second: [UInt64]?
    var scale: Double
    /// How many primes are left.
    var primes: Int

    /// Adds another site's, or another sum.
    ///
    /// - Throws: `PrivacyError.refused` where the two do not belong together, `.forged` where one site is in both.
    public mutating func add(_ other: CKKSVector) throws {
        guard other.parameters == parameters, other.count == count, other.primes == primes, other.scale == scale,
            (other.second == nil) == (second == nil), (other.tag == nil) == (tag == nil)
        else {
            throw PrivacyError.refused(
                "Two CKKS vectors of different parameters, lengths or multiplications cannot be added: all sites must run with the same settings."
            )
        }
        let both = (terms + other.terms).sorted { $0.site < $1.site }
        guard zip(both, both.dropFirst()).allSatisfy({ $0.site != $1.site }), Set(both.map(\.seed)).count == both.count
        else { throw PrivacyError.forged("One site's CKKS vector came twice into a sum: it is refused.") }
        terms = both
        let moduli = try NTTPrimes.chain(bits: parameters.coefficientBits, degree: parameters.degree).map(Modulus.init)
        if let (a, b) = tag.flatMap({ a in other.tag.map { (a, $0) } }) {
            tag = a.indices.map { moduli[$0].add(a[$0], b[$0]) }
        }
        Self.add(other.residues, to: &residues, moduli: moduli[..<primes], degree: parameters.degree)
        if let more = other.second {
            Self.add(more, to: &second!, moduli: moduli[..<primes], degree: parameters.degree)
        }
    }

    private static func add(_ more: [UInt64], to sums: inout [UInt64], moduli: ArraySlice<Modulus>, degree: Int) {
        sums.withUnsafeMutableBufferPointer { sums in
            more.withUnsafeBufferPointer { more in
                for start in stride(from: 0, to: sums.count, by: degree) {
                    let q = moduli[start / degree % moduli.count]
                    let (a, b) = (sums.baseAddress! + start, more.baseAddress! + start)
                    for i in 0..<degree { a[i] = q.add(a[i], b[i]) }
                }
            }
        }
    }
}
