#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Opening a sum, in one exchange: the server says which t sites open it together, each gives its part, and the parts add up.
extension ThresholdScheme {
    /// What a site needs of a sum to do its part: the second polynomials.
    public func question(_ sum: ThresholdVector) -> Data {
        var data = Data()
        Self.append(sum.second, blocks: sum.second.count / Self.degree, to: &data)
        return data
    }

    /// One site's part of an opening. A site gives one for each sum: a second, for other sites, would tell more of its share.
    ///
    /// - Parameters:
    ///   - question: from `question`.
    ///   - opening: the t sites that do so together.
    /// - Throws: `PrivacyError.refused` where they are not t, or this site is not among them; `.forged`.
    public func part(of question: Data, share: ThresholdShare, opening: [Int]) throws -> Data {
        let factors = try factor(of: share.site, opening: opening)
        let length = BitPacking.byteCount(Self.degree, bits: 50)
        guard question.count > 0, question.count % (2 * length) == 0 else {
            throw PrivacyError.forged("What came to be opened is no threshold sum.")
        }
        var values = try read(question, polynomials: question.count / length)
        let (n, primes) = (Self.degree, transforms.count)
        let shares = transforms.indices.map { prime in
            let q = transforms[prime].modulus
            return share.values[prime].map { ShoupFactor(q.multiply($0, factors[prime]), modulo: q) }
        }
        var stream = KeyStream()
        withScratch(Int64.self, count: 2 * n) { scratch in
            let noise = UnsafeMutableRawPointer(scratch + n).assumingMemoryBound(to: UInt64.self)
            for block in 0..<values.count / n / primes {
                stream.fill(UnsafeMutableRawBufferPointer(start: scratch, count: n * 8))
                // Uniform between −2⁵⁹ and 2⁵⁹ − 1.
                for i in 0..<n { scratch[i] = scratch[i] >> Int64(63 - Self.smudgingBits) }
                for prime in 0..<primes {
                    let q = transforms[prime].modulus
                    transformed(scratch, prime: prime, into: noise)
                    values.withUnsafeMutableBufferPointer { values in
                        shares[prime].withUnsafeBufferPointer { shares in
                            let values = values.baseAddress! + (block * primes + prime) * n
                            for i in 0..<n {
                                values[i] = q.add(shares[i].multiply(values[i], modulo: q.value), noise[i])
                            }
                        }
                    }
                }
            }
        }
        var data = Data()
        Self.append(values, blocks: values.count / n, to: &data)
        return data
    }

    /// The sum of all sites' numbers, exactly.
    ///
    /// - Parameter parts: by site, of just the t sites that were said to open it.
    /// - Throws: `PrivacyError.forged` where the parts do not fit together.
    public func open(_ sum: ThresholdVector, parts: [Int: Data]) throws -> [Int64] {
        let opening = parts.keys.sorted()
        _ = try factor(of: opening.first ?? 0, opening: opening)
        let (n, primes) = (Self.degree, transforms.count)
        var phase = sum.first
        for site in opening { add(try read(parts[site]!, polynomials: phase.count / n), to: &phase) }
        var numbers = [Int64](repeating: 0, count: sum.count)
        let (low, high) = (transforms[0].modulus, transforms[1].modulus)
        let bound = Int128(threshold) << Int128(Self.smudgingBits) + 1 << 20
        var fits = true
        phase.withUnsafeMutableBufferPointer { phase in
            for block in 0..<phase.count / n / primes {
                let (x, y) = (phase.baseAddress! + block * primes * n, phase.baseAddress! + (block * primes + 1) * n)
                transforms[0].inverse(UnsafeMutableBufferPointer(start: x, count: n))
                transforms[1].inverse(UnsafeMutableBufferPointer(start: y, count: n))
                for i in 0..<n {
                    let digit = low.centred(x[i])
                    let rest = high.subtract(y[i], high.residue(digit))
                    let upper = high.centred(inverse.multiply(rest, modulo: high.value))
                    let number = Int128(digit) + Int128(low.value) * Int128(upper)
                    let rounded = (number + (1 << Int128(Self.shift - 1))) >> Int128(Self.shift)
                    if (number - rounded << Int128(Self.shift)).magnitude > bound.magnitude { fits = false }
                    let place = block * n + i
                    // Beyond the count there are zeros.
                    if place < sum.count {
                        numbers[place] = Int64(truncatingIfNeeded: rounded)
                    } else if rounded != 0 {
                        fits = false
                    }
                }
            }
        }
        guard fits else {
            throw PrivacyError.forged(
                "The parts of an opening do not fit together: a site gave a wrong one, or for other sites. Ask all of them again."
            )
        }
        return numbers
    }

    /// Lagrange's factor of one site at 0, by prime.
    private func factor(of site: Int, opening: [Int]) throws -> [UInt64] {
        guard opening.count == threshold, Set(opening).count == threshold, opening.contains(site),
            opening.allSatisfy({ (1...sites).contains($0) })
        else {
            throw PrivacyError.refused(
                "A sum is opened by just \(threshold) of the \(sites) sites together, this one among them.")
        }
        return transforms.map { transform in
            let q = transform.modulus
            return opening.filter { $0 != site }.reduce(1) { product, other in
                let difference = q.subtract(UInt64(other), UInt64(site))
                return q.multiply(product, q.multiply(UInt64(other), q.inverse(difference)))
            }
        }
    }
}
