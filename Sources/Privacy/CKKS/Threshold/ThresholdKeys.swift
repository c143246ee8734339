import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site makes at the start of a run: its part of the secret, which it forgets once the shares are dealt.
public struct ThresholdSecret: Sendable, CustomStringConvertible, CustomReflectable {
    /// By prime, as values.
    let values: [[UInt64]]
    /// For all: this site's part of the public key.
    public let publicPart: Data

    public var description: String { "part of a threshold key (secret)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A site's share of the whole secret.
public struct ThresholdShare: Sendable, CustomStringConvertible, CustomReflectable {
    /// From 1.
    public let site: Int
    let values: [[UInt64]]

    public var description: String { "share of a threshold key (secret)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What all sites encrypt under.
public struct ThresholdPublicKey: Sendable {
    let values: [[ShoupFactor]]
}

extension ThresholdScheme {
    public func makeSecret() -> ThresholdSecret {
        var stream = KeyStream()
        let secret = RingSampling.ternary(count: Self.degree, from: &stream)
        var errors = [Int64](repeating: 0, count: Self.degree)
        errors.withUnsafeMutableBufferPointer {
            RingSampling.addErrors($0.baseAddress!, count: Self.degree, from: &stream)
        }
        let values = transforms.indices.map { transformed(secret, prime: $0) }
        let parts = transforms.indices.map { prime in
            let q = transforms[prime].modulus
            let noise = transformed(errors, prime: prime)
            return (0..<Self.degree).map {
                q.subtract(noise[$0], common[prime][$0].multiply(values[prime][$0], modulo: q.value))
            }
        }
        return ThresholdSecret(values: values, publicPart: packed(parts))
    }

    /// The key to encrypt under, of every site's public part.
    ///
    /// The parts must come from the sites themselves, each signed by it: who could choose one after seeing the others would
    /// know the key.
    /// - Throws: `PrivacyError.forged`.
    public func publicKey(_ parts: [Data]) throws -> ThresholdPublicKey {
        guard parts.count == sites, Set(parts).count == sites else {
            throw PrivacyError.forged(
                "A threshold key takes one part of each of \(sites) sites, and not the same twice.")
        }
        let sum = try sum(of: parts)
        return ThresholdPublicKey(
            values: transforms.indices.map { prime in
                sum[prime].map { ShoupFactor($0, modulo: transforms[prime].modulus) }
            })
    }

    /// A site's secret in shares, one for each site in the order of their numbers: each to be sent so that it alone reads it.
    public func deal(_ secret: ThresholdSecret) -> [Data] {
        var stream = KeyStream()
        // Shamir's polynomial in every value: the secret, and random above.
        let coefficients = transforms.indices.map { prime in
            [secret.values[prime]]
                + (1..<threshold).map { _ in Self.uniform(modulo: transforms[prime].modulus, from: &stream) }
        }
        return (1...sites).map { site in
            packed(
                transforms.indices.map { prime in
                    let q = transforms[prime].modulus
                    let x = ShoupFactor(UInt64(site), modulo: q)
                    var values = coefficients[prime][threshold - 1]
                    for power in (0..<threshold - 1).reversed() {
                        for i in 0..<Self.degree {
                            values[i] = q.add(
                                x.multiply(values[i], modulo: q.value), coefficients[prime][power][i])
                        }
                    }
                    return values
                })
        }
    }

    /// A site's share of the whole, of what every site dealt to it.
    ///
    /// - Throws: `PrivacyError.forged`.
    public func share(_ dealt: [Data], site: Int) throws -> ThresholdShare {
        guard dealt.count == sites, (1...sites).contains(site) else {
            throw PrivacyError.forged("A share takes what each of \(sites) sites dealt, not \(dealt.count).")
        }
        return ThresholdShare(site: site, values: try sum(of: dealt))
    }

    private func sum(of parts: [Data]) throws -> [[UInt64]] {
        var sum = transforms.map { _ in [UInt64](repeating: 0, count: Self.degree) }
        for part in parts {
            let values = try unpacked(part)
            for prime in sum.indices {
                let q = transforms[prime].modulus
                for i in 0..<Self.degree { sum[prime][i] = q.add(sum[prime][i], values[prime][i]) }
            }
        }
        return sum
    }

    private func packed(_ polynomials: [[UInt64]]) -> Data {
        var data = Data()
        for polynomial in polynomials { Self.append(polynomial, blocks: 1, to: &data) }
        return data
    }

    private func unpacked(_ data: Data) throws -> [[UInt64]] {
        let length = BitPacking.byteCount(Self.degree, bits: 50)
        guard data.count == 2 * length else {
            throw PrivacyError.forged("A part of a threshold key has another length.")
        }
        return try transforms.indices.map {
            try read(data.dropFirst($0 * length).prefix(length), polynomials: 1, firstPrime: $0)
        }
    }

    /// Appends polynomials of 50-bit numbers.
    static func append(_ values: [UInt64], blocks: Int, to data: inout Data) {
        let length = BitPacking.byteCount(degree, bits: 50)
        let start = data.count
        data.append(Data(count: length * blocks))
        data.withUnsafeMutableBytes { data in
            values.withUnsafeBufferPointer { values in
                for block in 0..<blocks {
                    BitPacking.pack(
                        values.baseAddress! + block * degree, count: degree, bits: 50,
                        into: data.baseAddress! + start + block * length)
                }
            }
        }
    }

    /// Polynomials of 50-bit numbers, their primes in turn.
    ///
    /// - Throws: `PrivacyError.forged` for numbers beyond the prime.
    func read(_ data: Data, polynomials: Int, firstPrime: Int = 0) throws -> [UInt64] {
        let length = BitPacking.byteCount(Self.degree, bits: 50)
        guard data.count == length * polynomials else {
            throw PrivacyError.forged("Polynomials of a threshold sum have another length.")
        }
        var areSmall = true
        let values = [UInt64](unsafeUninitializedCapacity: polynomials * Self.degree) { output, count in
            data.withUnsafeBytes { data in
                for index in 0..<polynomials {
                    let polynomial = output.baseAddress! + index * Self.degree
                    BitPacking.unpack(
                        data.baseAddress! + index * length, count: Self.degree, bits: 50, into: polynomial)
                    let last = transforms[(firstPrime + index) % 2].modulus.value - 1
                    var excess: UInt64 = 0
                    for i in 0..<Self.degree { excess |= last &- polynomial[i] }
                    if excess >> 63 != 0 { areSmall = false }
                }
            }
            count = output.count
        }
        guard areSmall else {
            throw PrivacyError.forged("A polynomial of a threshold sum holds numbers beyond its modulus.")
        }
        return values
    }
}
