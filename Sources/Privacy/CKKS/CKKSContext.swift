#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The transforms and numbers that follow from CKKS parameters; made once, and the same at every site.
public struct CKKSContext: Sendable {
    public let parameters: CKKSParameters
    /// For each prime that carries data.
    let transforms: [NegacyclicNTT]
    let embedding: CanonicalEmbedding
    /// 1, to reduce 64-bit numbers by.
    let ones: [ShoupFactor]
    /// By prime j: the inverses of the primes before it, one by one, modulo prime j (Garner's way back from residues).
    let inverses: [[ShoupFactor]]

    /// - Throws: `PrivacyError.setting`.
    public init(_ parameters: CKKSParameters) throws {
        self.parameters = parameters
        let primes = try NTTPrimes.chain(bits: parameters.coefficientBits, degree: parameters.degree)
        transforms = primes[..<parameters.dataPrimes].map { NegacyclicNTT(degree: parameters.degree, modulus: $0) }
        embedding = CanonicalEmbedding(degree: parameters.degree)
        ones = transforms.map { ShoupFactor(1, modulo: $0.modulus) }
        inverses = transforms.enumerated().map { j, transform in
            primes[..<j].map {
                ShoupFactor(transform.modulus.inverse($0 % transform.modulus.value), modulo: transform.modulus)
            }
        }
    }

    var degree: Int { parameters.degree }
    var moduli: [Modulus] { transforms.map(\.modulus) }
    func ciphertexts(for count: Int) -> Int { (count + degree - 1) / degree }

    /// Residues of whole numbers of magnitude below 2⁶²; output and numbers may be the same memory.
    func residues(_ numbers: UnsafePointer<Int64>, prime: Int, into output: UnsafeMutablePointer<UInt64>) {
        let q = transforms[prime].modulus.value
        // A multiple of q from 2⁶² on lifts all above 0.
        let offset = ((1 as UInt64) << 62 / q + 1) * q
        let one = ones[prime]
        for i in 0..<degree {
            output[i] = one.multiply(UInt64(bitPattern: numbers[i]) &+ offset, modulo: q)
        }
    }

    /// The whole numbers nearest to 0 of residues, as floating point.
    ///
    /// - Parameter residues: one polynomial of coefficients for each of some primes from the first on; used up.
    func compose(
        _ residues: UnsafeMutablePointer<UInt64>, primes: Int, into output: UnsafeMutablePointer<Double>
    ) {
        let first = transforms[0].modulus
        for i in 0..<degree { output[i] = Double(first.centred(residues[i])) }
        var product = Double(first.value)
        // X = x₀ + q₀·x₁ + q₀·q₁·x₂ …, every digit nearest to 0.
        for j in 1..<max(primes, 1) {
            let modulus = transforms[j].modulus
            let digit = residues + j * degree
            withScratch(UInt64.self, count: degree) { scratch in
                let centred = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int64.self)
                for k in 0..<j {
                    let (earlier, before) = (residues + k * degree, transforms[k].modulus)
                    for i in 0..<degree { centred[i] = before.centred(earlier[i]) }
                    self.residues(centred, prime: j, into: scratch)
                    let inverse = inverses[j][k]
                    for i in 0..<degree {
                        digit[i] = inverse.multiply(modulus.subtract(digit[i], scratch[i]), modulo: modulus.value)
                    }
                }
            }
            for i in 0..<degree { output[i] += product * Double(modulus.centred(digit[i])) }
            product *= Double(modulus.value)
        }
    }
}

/// A buffer of one call, aligned for vectors.
func withScratch<Element, Result>(
    _ type: Element.Type, count: Int, _ body: (UnsafeMutablePointer<Element>) throws -> Result
) rethrows -> Result where Element: BitwiseCopyable {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count * MemoryLayout<Element>.stride, alignment: 64)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    return try body(buffer.bindMemory(to: type).baseAddress!)
}
