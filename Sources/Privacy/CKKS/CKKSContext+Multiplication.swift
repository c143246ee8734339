extension CKKSContext {
    /// Multiplies a sum by a plain number and brings it back to its scale: the one multiplication that FLARE's aggregator
    /// makes.
    ///
    /// It costs the last prime, so that half the length is left, but the second polynomials are written out. Results must stay
    /// within ±2^(bits of the first prime − scale − 1).
    ///
    /// - Throws: `PrivacyError.refused` for the second such multiplication, which has no prime left to cost.
    public func multiply(_ vector: CKKSVector, by number: Double) throws -> CKKSVector {
        guard vector.parameters == parameters else {
            throw PrivacyError.refused("A CKKS vector of other parameters: all sites must run with the same settings.")
        }
        guard vector.primes > 1 else {
            throw PrivacyError.refused(
                "This CKKS vector cannot be multiplied: \(transforms.count == 1 ? "its parameters allow no multiplication" : "it was multiplied \(transforms.count - 1) times already, and no prime is left"). Divide after opening."
            )
        }
        let plain = (number * parameters.scale).rounded(.toNearestOrEven)
        guard plain.magnitude < 0x1p62 else {
            throw PrivacyError.refused(
                "A factor that is not finite or beyond ±2^\(62 - parameters.scaleBits) cannot be taken.")
        }
        let (n, primes, left) = (degree, vector.primes, vector.primes - 1)
        let last = transforms[left]
        let blocks = ciphertexts(for: vector.count)
        var result = vector
        result.tag = nil
        result.primes = left
        result.scale = vector.scale * parameters.scale / Double(last.modulus.value)
        result.residues = [UInt64](repeating: 0, count: blocks * left * n)
        result.second = result.residues
        let factors = (0..<primes).map {
            ShoupFactor(transforms[$0].modulus.residue(Int64(plain)), modulo: transforms[$0].modulus)
        }
        withScratch(UInt64.self, count: (primes + 2) * n) { scratch in
            let (rest, spare) = (scratch + primes * n, scratch + (primes + 1) * n)
            for block in 0..<blocks {
                for isSecond in [false, true] {
                    for prime in 0..<primes {
                        let polynomial = scratch + prime * n
                        if isSecond {
                            secondPolynomial(
                                of: vector, ciphertext: block, prime: prime, into: polynomial, scratch: spare)
                        } else {
                            let start = (block * primes + prime) * n
                            vector.residues.withUnsafeBufferPointer {
                                polynomial.update(from: $0.baseAddress! + start, count: n)
                            }
                        }
                        let q = transforms[prime].modulus.value
                        for i in 0..<n { polynomial[i] = factors[prime].multiply(polynomial[i], modulo: q) }
                    }
                    // Divided by the last prime: what is left over goes off first.
                    let remainder = scratch + left * n
                    let centred = UnsafeMutableRawPointer(rest).assumingMemoryBound(to: Int64.self)
                    last.inverse(UnsafeMutableBufferPointer(start: remainder, count: n))
                    for prime in 0..<left {
                        let q = transforms[prime].modulus
                        let inverse = ShoupFactor(q.inverse(last.modulus.value % q.value), modulo: q)
                        for i in 0..<n { centred[i] = last.modulus.centred(remainder[i]) }
                        residues(centred, prime: prime, into: rest)
                        transforms[prime].forward(UnsafeMutableBufferPointer(start: rest, count: n))
                        let start = (block * left + prime) * n
                        let polynomial = scratch + prime * n
                        func divide(_ output: inout [UInt64]) {
                            output.withUnsafeMutableBufferPointer { output in
                                let output = output.baseAddress! + start
                                for i in 0..<n {
                                    output[i] = inverse.multiply(q.subtract(polynomial[i], rest[i]), modulo: q.value)
                                }
                            }
                        }
                        if isSecond { divide(&result.second!) } else { divide(&result.residues) }
                    }
                }
            }
        }
        return result
    }
}
