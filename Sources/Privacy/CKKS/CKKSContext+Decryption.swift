#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension CKKSContext {
    /// Opens a sum: the weighted mean of the sites' values.
    ///
    /// - Parameters:
    ///   - occasion: the run and the round in which it was sealed.
    ///   - fewestSites: a sum over fewer is refused, so that a server cannot have one site open another's update.
    /// - Throws: `PrivacyError.forged` where it is not the sum of what the named sites sealed on this occasion.
    public func decrypt(_ vector: CKKSVector, key: CKKSKey, occasion: String, fewestSites: Int = 2) throws -> [Float] {
        guard vector.terms.count >= fewestSites else {
            throw PrivacyError.refused(
                "A sum over \(vector.terms.count) sites is not opened: there must be \(fewestSites) at least.")
        }
        guard let sent = vector.tag else {
            throw PrivacyError.refused(
                "A sum that was multiplied at the server carries no tag, and nothing shows that it was not tampered with: divide after opening, or open it as unverified."
            )
        }
        try check(vector, key: key)
        guard tag(of: vector, key: key, occasion: occasion) == sent else {
            throw PrivacyError.forged(
                "A sum under CKKS is not what its sites sealed in this round: it was changed on its way, or is of another round."
            )
        }
        return try open(vector, key: key, divisor: vector.terms.reduce(0) { $0 + $1.weight })
    }

    /// Opens a vector that the server multiplied, as FLARE's aggregator does: what it holds, undivided.
    ///
    /// Whether the server did what it should, nothing shows.
    public func decryptUnverified(_ vector: CKKSVector, key: CKKSKey) throws -> [Float] {
        try check(vector, key: key)
        return try open(vector, key: key, divisor: 1)
    }

    private func check(_ vector: CKKSVector, key: CKKSKey) throws {
        try check(key)
        guard vector.parameters == parameters else {
            throw PrivacyError.refused("A CKKS vector of other parameters: all sites must run with the same settings.")
        }
    }

    private func open(_ vector: CKKSVector, key: CKKSKey, divisor: Double) throws -> [Float] {
        let (n, primes) = (degree, vector.primes)
        let factor = 1 / (vector.scale * divisor)
        return [Float](unsafeUninitializedCapacity: vector.count) { output, initialized in
            withScratch(UInt64.self, count: (primes + 3) * n) { scratch in
                let phase = scratch
                let (sum, mask) = (scratch + primes * n, scratch + (primes + 1) * n)
                let numbers = UnsafeMutableRawPointer(scratch + (primes + 2) * n).assumingMemoryBound(to: Double.self)
                for index in 0..<ciphertexts(for: vector.count) {
                    for prime in 0..<primes {
                        let polynomial = phase + prime * n
                        let place = (index * primes + prime) * n
                        secondPolynomial(of: vector, ciphertext: index, prime: prime, into: sum, scratch: mask)
                        let (q, secret) = (transforms[prime].modulus, key.secret[prime])
                        vector.residues.withUnsafeBufferPointer { first in
                            secret.withUnsafeBufferPointer { secret in
                                let (first, secret) = (first.baseAddress! + place, secret.baseAddress!)
                                for i in 0..<n {
                                    polynomial[i] = q.add(first[i], secret[i].multiply(sum[i], modulo: q.value))
                                }
                            }
                        }
                        transforms[prime].inverse(UnsafeMutableBufferPointer(start: polynomial, count: n))
                    }
                    compose(phase, primes: primes, into: numbers)
                    embedding.evaluate(numbers)
                    let start = index * n
                    for i in 0..<min(n, vector.count - start) { output[start + i] = Float(numbers[i] * factor) }
                }
            }
            initialized = vector.count
        }
    }

    /// The second polynomial of one ciphertext, as a transform.
    func secondPolynomial(
        of vector: CKKSVector, ciphertext: Int, prime: Int, into sum: UnsafeMutablePointer<UInt64>,
        scratch: UnsafeMutablePointer<UInt64>
    ) {
        if let second = vector.second {
            let start = (ciphertext * vector.primes + prime) * degree
            second.withUnsafeBufferPointer { sum.update(from: $0.baseAddress! + start, count: degree) }
            return
        }
        let q = transforms[prime].modulus
        for (position, term) in vector.terms.enumerated() {
            expand(term.seed, ciphertext: ciphertext, prime: prime, into: position == 0 ? sum : scratch)
            if position > 0 { for i in 0..<degree { sum[i] = q.add(sum[i], scratch[i]) } }
        }
    }
}
