import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The key that all sites share and the server must not have, as in FLARE.
///
/// Whoever holds it opens every site's update: it guards against the server alone, as long as the server works with no site.
/// Sites that must not read each other take the masks or the threshold keys instead.
public struct CKKSKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// What everything follows from: 32 bytes.
    let master: SymmetricKey
    let parameters: CKKSParameters
    /// The ternary secret, by prime, as values.
    let secret: [[ShoupFactor]]
    /// Factors of the tag, by prime: one for each place within a ciphertext.
    let tagFactors: [[ShoupFactor]]

    /// - Parameter bytes: 32, from a generator that nobody can guess; `CKKSKey.randomBytes` makes them.
    /// - Throws: `PrivacyError.setting`.
    public init(bytes: Data, context: CKKSContext) throws {
        guard bytes.count == 32 else {
            throw PrivacyError.setting("A CKKS key has 32 bytes, not \(bytes.count): make one anew for the sites.")
        }
        master = SymmetricKey(data: bytes)
        parameters = context.parameters
        var stream = KeyStream(master, for: "cohort ckks secret")
        let coefficients = RingSampling.ternary(count: context.degree, from: &stream)
        secret = context.transforms.indices.map { prime in
            let transform = context.transforms[prime]
            var values = [UInt64](repeating: 0, count: context.degree)
            values.withUnsafeMutableBufferPointer { values in
                context.residues(coefficients, prime: prime, into: values.baseAddress!)
                transform.forward(values)
            }
            return values.map { ShoupFactor($0, modulo: transform.modulus) }
        }
        let key = master
        tagFactors = context.transforms.enumerated().map { prime, transform in
            var stream = KeyStream(key, for: "cohort ckks tag \(prime)")
            var factors = [UInt64](repeating: 0, count: context.degree)
            factors.withUnsafeMutableBufferPointer {
                RingSampling.uniform($0.baseAddress!, count: $0.count, modulo: transform.modulus, from: &stream)
            }
            return factors.map { ShoupFactor($0, modulo: transform.modulus) }
        }
    }

    /// For the sites, over a channel that the server does not see.
    public static func randomBytes() -> Data { SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) } }

    public var description: String { "CKKS key (secret)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
