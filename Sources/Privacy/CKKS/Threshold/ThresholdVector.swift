#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Whole numbers under a threshold key: one site's, or a sum.
public struct ThresholdVector: Sendable {
    public let count: Int
    /// Whose numbers are in it.
    public internal(set) var sites: [Int]
    /// Both polynomials as values: by block, then prime.
    var first: [UInt64]
    var second: [UInt64]
}

extension ThresholdScheme {
    /// - Parameters:
    ///   - numbers: each within ± `largestValue`.
    ///   - site: who encrypts.
    /// - Throws: `PrivacyError.refused`.
    public func encrypt(_ numbers: UnsafeBufferPointer<Int64>, under key: ThresholdPublicKey, site: Int) throws
        -> ThresholdVector
    {
        guard !numbers.isEmpty, (1...sites).contains(site) else {
            throw PrivacyError.refused(
                "An update without values, or of a site that has no number, cannot be encrypted.")
        }
        guard numbers.allSatisfy({ $0.magnitude <= UInt64(Self.largestValue) }) else {
            throw PrivacyError.refused(
                "A value of the update is beyond ±\(Self.largestValue) once quantised, and cannot be encrypted: clip it before."
            )
        }
        let (n, primes, blocks) = (Self.degree, transforms.count, Self.blocks(for: numbers.count))
        var stream = KeyStream()
        var vector = ThresholdVector(
            count: numbers.count, sites: [site], first: [UInt64](repeating: 0, count: blocks * primes * n), second: [])
        vector.second = vector.first
        withScratch(Int64.self, count: 3 * n) { scratch in
            let (errors, others) = (scratch, scratch + n)
            let values = UnsafeMutableRawPointer(scratch + 2 * n).assumingMemoryBound(to: UInt64.self)
            for block in 0..<blocks {
                let part = UnsafeBufferPointer(
                    rebasing: numbers[block * n..<min(numbers.count, (block + 1) * n)])
                for i in 0..<2 * n { scratch[i] = 0 }
                RingSampling.addErrors(errors, count: n, from: &stream)
                RingSampling.addErrors(others, count: n, from: &stream)
                let mask = RingSampling.ternary(count: n, from: &stream)
                for prime in 0..<primes {
                    let transform = transforms[prime]
                    let (q, scale) = (transform.modulus, scales[prime])
                    let start = (block * primes + prime) * n
                    transformed(mask, prime: prime, into: values)
                    vector.first.withUnsafeMutableBufferPointer { output in
                        let output = output.baseAddress! + start
                        residues(errors, prime: prime, into: output)
                        for i in part.indices {
                            let number = scale.multiply(part[i].magnitude, modulo: q.value)
                            output[i] = q.add(output[i], part[i] < 0 ? q.negate(number) : number)
                        }
                        transform.forward(UnsafeMutableBufferPointer(start: output, count: n))
                        multiplyAdd(values, key.values[prime], to: output, q)
                    }
                    vector.second.withUnsafeMutableBufferPointer { output in
                        let output = output.baseAddress! + start
                        transformed(others, prime: prime, into: output)
                        multiplyAdd(values, common[prime], to: output, q)
                    }
                }
            }
        }
        return vector
    }

    private func multiplyAdd(
        _ x: UnsafePointer<UInt64>, _ factors: [ShoupFactor], to sum: UnsafeMutablePointer<UInt64>, _ q: Modulus
    ) {
        factors.withUnsafeBufferPointer { factors in
            let factors = factors.baseAddress!
            for i in 0..<Self.degree { sum[i] = q.add(sum[i], factors[i].multiply(x[i], modulo: q.value)) }
        }
    }

    /// Adds another site's, or another sum.
    ///
    /// - Throws: `PrivacyError.refused` for other lengths, `.forged` where one site is in both.
    public func add(_ other: ThresholdVector, to sum: inout ThresholdVector) throws {
        guard other.count == sum.count else {
            throw PrivacyError.refused("Vectors of \(sum.count) and \(other.count) values cannot be added.")
        }
        guard Set(sum.sites).isDisjoint(with: other.sites) else {
            throw PrivacyError.forged("One site's vector came twice into a threshold sum: it is refused.")
        }
        sum.sites = (sum.sites + other.sites).sorted()
        add(other.first, to: &sum.first)
        add(other.second, to: &sum.second)
    }

    func add(_ more: [UInt64], to sums: inout [UInt64]) {
        let n = Self.degree
        sums.withUnsafeMutableBufferPointer { sums in
            more.withUnsafeBufferPointer { more in
                for start in stride(from: 0, to: sums.count, by: n) {
                    let q = transforms[start / n % 2].modulus
                    let (a, b) = (sums.baseAddress! + start, more.baseAddress! + start)
                    for i in 0..<n { a[i] = q.add(a[i], b[i]) }
                }
            }
        }
    }

    private static let magic = Data("CohThr01".utf8)

    /// Eight bytes that say what it is, the count, the sites as bits, and both polynomials.
    public func bytes(_ vector: ThresholdVector) -> Data {
        var data = Self.magic
        let marks = vector.sites.reduce(0 as UInt64) { $0 | 1 << UInt64($1 - 1) }
        for number in [UInt64(vector.count), marks] {
            withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) }
        }
        for part in [vector.first, vector.second] { Self.append(part, blocks: part.count / Self.degree, to: &data) }
        return data
    }

    /// - Throws: `PrivacyError.forged` for bytes that are not one whole vector.
    public func vector(_ data: Data) throws -> ThresholdVector {
        guard data.count > 24, data.prefix(8) == Self.magic else {
            throw PrivacyError.forged("What came as a threshold vector is none: let the site send it again.")
        }
        let (count, marks) = data.withUnsafeBytes {
            (
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            )
        }
        let numbers = (1...Self.mostSites).filter { marks >> UInt64($0 - 1) & 1 == 1 }
        guard count > 0, count < 1 << 40, !numbers.isEmpty, numbers.allSatisfy({ $0 <= sites }) else {
            throw PrivacyError.forged("A threshold vector's beginning makes no sense: let the site send it again.")
        }
        let polynomials = Self.blocks(for: Int(count)) * 2
        let length = polynomials * BitPacking.byteCount(Self.degree, bits: 50)
        guard data.count == 24 + 2 * length else {
            throw PrivacyError.forged("A threshold vector is cut off or too long: let the site send it again.")
        }
        return ThresholdVector(
            count: Int(count), sites: numbers,
            first: try read(data.dropFirst(24).prefix(length), polynomials: polynomials),
            second: try read(data.suffix(length), polynomials: polynomials))
    }
}
