import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension CKKSContext {
    /// Seals values times a weight.
    ///
    /// - Parameters:
    ///   - values: all of an update's, in the canonical order of its tensors.
    ///   - weight: above 0; the opened sum is divided by the sum of all weights.
    ///   - site: who seals.
    ///   - occasion: the run and the round: what is sealed on another is refused at opening.
    /// - Throws: `PrivacyError.refused` for a value that is not finite or too large.
    public func encrypt(
        _ values: UnsafeBufferPointer<Float>, weight: Double, key: CKKSKey, site: String, occasion: String
    ) throws -> CKKSVector {
        try check(key)
        guard weight > 0, weight.isFinite, !values.isEmpty else {
            throw PrivacyError.refused(
                "An update without values or with a weight that is not above 0 cannot be sealed.")
        }
        let term = CKKSVector.Term(site: site, weight: weight, seed: CKKSKey.randomBytes())
        let (ciphertexts, primes, n) = (ciphertexts(for: values.count), transforms.count, degree)
        var errors = KeyStream()
        let residues = try [UInt64](unsafeUninitializedCapacity: ciphertexts * primes * n) { output, initialized in
            try withScratch(UInt64.self, count: 3 * n) { scratch in
                let numbers = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Double.self)
                let integers = UnsafeMutableRawPointer(scratch + n).assumingMemoryBound(to: Int64.self)
                let mask = scratch + 2 * n
                for index in 0..<ciphertexts {
                    let part = UnsafeBufferPointer(rebasing: values[index * n..<min(values.count, (index + 1) * n)])
                    try encode(part, weight: weight, numbers: numbers, into: integers)
                    RingSampling.addErrors(integers, count: n, from: &errors)
                    for prime in 0..<primes {
                        let polynomial = output.baseAddress! + (index * primes + prime) * n
                        self.residues(integers, prime: prime, into: polynomial)
                        transforms[prime].forward(UnsafeMutableBufferPointer(start: polynomial, count: n))
                        expand(term.seed, ciphertext: index, prime: prime, into: mask)
                        subtract(mask, times: key.secret[prime], from: polynomial, prime: prime)
                    }
                }
            }
            initialized = output.count
        }
        var vector = CKKSVector(
            parameters: parameters, count: values.count, terms: [term], tag: nil, residues: residues, second: nil,
            scale: parameters.scale, primes: primes)
        vector.tag = tag(of: vector, key: key, occasion: occasion)
        return vector
    }

    func check(_ key: CKKSKey) throws {
        guard key.parameters == parameters else {
            throw PrivacyError.setting("This CKKS key was made for other parameters: give all sites the same.")
        }
    }

    /// Whole coefficients of the polynomial that has the values times weight and scale in its slots.
    ///
    /// - Parameter values: at most N; zeros follow.
    private func encode(
        _ values: UnsafeBufferPointer<Float>, weight: Double, numbers: UnsafeMutablePointer<Double>,
        into output: UnsafeMutablePointer<Int64>
    ) throws {
        let factor = weight * parameters.scale / Double(degree / 2)
        var excess = 0
        let bound = parameters.largestValue / weight
        for i in values.indices {
            let value = Double(values[i])
            excess &+= abs(value) <= bound ? 0 : 1  // NaN is not
            numbers[i] = value * factor
        }
        guard excess == 0 else {
            throw PrivacyError.refused(
                "\(excess) values of a part of the update are not finite or beyond ±\(bound): they cannot be sealed. Clip the update before."
            )
        }
        for i in values.count..<max(degree, values.count) { numbers[i] = 0 }
        embedding.interpolate(numbers)
        for i in 0..<degree { output[i] = Int64(numbers[i].rounded(.toNearestOrEven)) }
    }

    /// The second polynomial, as a transform, that a seed gives.
    func expand(_ seed: Data, ciphertext: Int, prime: Int, into output: UnsafeMutablePointer<UInt64>) {
        var stream = KeyStream(SymmetricKey(data: seed), for: "cohort ckks a \(ciphertext) \(prime)")
        RingSampling.uniform(output, count: degree, modulo: transforms[prime].modulus, from: &stream)
    }

    /// x −= a · s, value by value.
    private func subtract(
        _ a: UnsafePointer<UInt64>, times secret: [ShoupFactor], from x: UnsafeMutablePointer<UInt64>, prime: Int
    ) {
        let q = transforms[prime].modulus
        secret.withUnsafeBufferPointer { secret in
            let secret = secret.baseAddress!
            for i in 0..<degree { x[i] = q.subtract(x[i], secret[i].multiply(a[i], modulo: q.value)) }
        }
    }
}
