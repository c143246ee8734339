import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A tag over the first polynomials that adds up as they do: a secret linear hash plus a pad for each site and occasion
/// (Wegman and Carter 1981).
///
/// Who holds no key can neither change a sum nor put in a vector of another round or one site's twice: it would have to guess
/// a number modulo the smallest prime, once a round, and be seen when it errs. Of who holds the key it says nothing.
extension CKKSContext {
    /// What the tag of a vector must be.
    func tag(of vector: CKKSVector, key: CKKSKey, occasion: String) -> [UInt64] {
        let blocks = ciphertexts(for: vector.count)
        return transforms.indices.map { prime in
            let q = transforms[prime].modulus
            var stream = KeyStream(key.master, for: "cohort ckks tag of ciphertexts \(prime)")
            var outer = [UInt64](repeating: 0, count: blocks)
            outer.withUnsafeMutableBufferPointer {
                RingSampling.uniform($0.baseAddress!, count: blocks, modulo: q, from: &stream)
            }
            var tag: UInt64 = 0
            vector.residues.withUnsafeBufferPointer { residues in
                key.tagFactors[prime].withUnsafeBufferPointer { factors in
                    for block in 0..<blocks {
                        let polynomial = residues.baseAddress! + (block * vector.primes + prime) * degree
                        var hash: UInt64 = 0
                        // Products below 2q < 2⁶²: the sum of two of them and what is left over stays within 64 bits.
                        for i in 0..<degree {
                            let sum = hash &+ factors[i].lazyMultiply(polynomial[i], modulo: q.value)
                            hash = min(sum, sum &- 2 * q.value)
                        }
                        tag = q.add(tag, q.multiply(hash % q.value, outer[block]))
                    }
                }
            }
            for term in vector.terms {
                tag = q.add(tag, pad(term, of: vector.count, prime: prime, key: key, occasion: occasion))
            }
            return tag
        }
    }

    private func pad(_ term: CKKSVector.Term, of count: Int, prime: Int, key: CKKSKey, occasion: String) -> UInt64 {
        var bound = Data()
        for part in [Data(occasion.utf8), Data(term.site.utf8), term.seed] {
            withUnsafeBytes(of: UInt64(part.count).littleEndian) { bound.append(contentsOf: $0) }
            bound.append(part)
        }
        for number in [term.weight.bitPattern, UInt64(count), UInt64(prime)] {
            withUnsafeBytes(of: number.littleEndian) { bound.append(contentsOf: $0) }
        }
        let salt = Data("cohort ckks pad".utf8)
        var stream = KeyStream(
            key: HKDF<SHA256>.deriveKey(inputKeyMaterial: key.master, salt: salt, info: bound, outputByteCount: 32))
        var number: UInt64 = 0
        RingSampling.uniform(&number, count: 1, modulo: transforms[prime].modulus, from: &stream)
        return number
    }
}
