#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// As it goes over the wire: eight bytes that say what it is and its version, the length of a header in JSON, the header, and
/// the polynomials' residues bit by bit.
extension CKKSVector {
    private static let magic = Data("CKKSsum1".utf8)
    private static let longestHeader = 1 << 20

    private struct Header: Codable {
        var parameters: CKKSParameters
        var count: Int
        var terms: [Term]
        var tag: [UInt64]?
        var primes: Int
        var isWrittenOut: Bool
        var scale: Double
    }

    public func bytes() throws -> Data {
        let header = Header(
            parameters: parameters, count: count, terms: terms, tag: tag, primes: primes, isWrittenOut: second != nil,
            scale: scale)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = try encoder.encode(header)
        let bits = try Self.bits(parameters, primes: primes)
        let (n, blocks) = (parameters.degree, residues.count / parameters.degree / primes)
        let bytesOfBlock = bits.reduce(0) { $0 + BitPacking.byteCount(n, bits: $1) }
        let start = Self.magic.count + 4 + text.count
        var data = Data(count: start + bytesOfBlock * blocks * (second == nil ? 1 : 2))
        data.withUnsafeMutableBytes { data in
            data.copyBytes(from: Self.magic)
            data.storeBytes(of: UInt32(text.count).littleEndian, toByteOffset: Self.magic.count, as: UInt32.self)
            UnsafeMutableRawBufferPointer(rebasing: data[(Self.magic.count + 4)...]).copyBytes(from: text)
            var position = start
            for polynomials in [residues, second ?? []] {
                polynomials.withUnsafeBufferPointer { polynomials in
                    for first in stride(from: 0, to: polynomials.count, by: n) {
                        let width = bits[first / n % primes]
                        BitPacking.pack(
                            polynomials.baseAddress! + first, count: n, bits: width, into: data.baseAddress! + position)
                        position += BitPacking.byteCount(n, bits: width)
                    }
                }
            }
        }
        return data
    }

    /// - Throws: `PrivacyError.forged` for bytes that are not one whole vector.
    public init(bytes data: Data) throws {
        func broken(_ fact: String) -> PrivacyError {
            .forged("What came as a CKKS vector is none: \(fact). Let the site send it again.")
        }
        let before = Self.magic.count + 4
        guard data.count >= before, data.prefix(Self.magic.count) == Self.magic else {
            throw broken("it begins otherwise")
        }
        let length = data.withUnsafeBytes {
            Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: Self.magic.count, as: UInt32.self)))
        }
        guard length <= Self.longestHeader, data.count >= before + length else { throw broken("it is cut off") }
        let text = data.dropFirst(before).prefix(length)
        guard let header = try? JSONDecoder().decode(Header.self, from: text) else {
            throw broken("its header is unreadable")
        }
        let parameters = header.parameters
        guard header.count > 0, header.count <= 1 << 40, (1...parameters.dataPrimes).contains(header.primes),
            header.scale.isFinite, header.scale >= 1, !header.terms.isEmpty,
            header.terms.allSatisfy({ $0.seed.count == 32 && $0.weight > 0 && $0.weight.isFinite }),
            Set(header.terms.map(\.site)).count == header.terms.count,
            header.isWrittenOut
                ? header.tag == nil
                : header.tag?.count == header.primes && header.primes == parameters.dataPrimes
                    && header.scale == parameters.scale
        else { throw broken("its header makes no sense") }
        let primes = try NTTPrimes.chain(bits: parameters.coefficientBits, degree: parameters.degree)
        guard header.tag.map({ zip($0, primes).allSatisfy { $0 < $1 } }) ?? true else {
            throw broken("its tag is too large")
        }
        let bits = try Self.bits(parameters, primes: header.primes)
        let n = parameters.degree
        let blocks = (header.count + n - 1) / n
        let bytesOfBlock = bits.reduce(0) { $0 + BitPacking.byteCount(n, bits: $1) }
        let parts = header.isWrittenOut ? 2 : 1
        guard data.count - before - length == blocks * bytesOfBlock * parts else {
            throw broken("its length is another")
        }
        var areSmall = true
        var position = before + length
        func polynomials() -> [UInt64] {
            [UInt64](unsafeUninitializedCapacity: blocks * header.primes * n) { output, initialized in
                data.withUnsafeBytes { data in
                    for index in 0..<blocks * header.primes {
                        let width = bits[index % header.primes]
                        let polynomial = output.baseAddress! + index * n
                        BitPacking.unpack(data.baseAddress! + position, count: n, bits: width, into: polynomial)
                        position += BitPacking.byteCount(n, bits: width)
                        let last = primes[index % header.primes] - 1
                        var excess: UInt64 = 0
                        for i in 0..<n { excess |= last &- polynomial[i] }
                        if excess >> 63 != 0 { areSmall = false }
                    }
                }
                initialized = output.count
            }
        }
        let first = polynomials()
        let second = header.isWrittenOut ? polynomials() : nil
        guard areSmall else { throw broken("it holds numbers beyond its modulus") }
        self.init(
            parameters: parameters, count: header.count, terms: header.terms, tag: header.tag, residues: first,
            second: second, scale: header.scale, primes: header.primes)
    }

    private static func bits(_ parameters: CKKSParameters, primes: Int) throws -> [Int] {
        Array(parameters.coefficientBits[..<primes])
    }
}
