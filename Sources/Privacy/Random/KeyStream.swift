import Crypto
import CryptoExtras

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Random bits that follow from a key of 32 bytes: the stream of AES-256 in counter mode (NIST SP 800-38A).
///
/// Whoever does not know the key cannot tell them from chance. Two streams of one key and label are equal, so that sites can
/// make the same mask; a key of the system's own randomness makes noise that nobody can take away.
public struct KeyStream: RandomNumberGenerator, Sendable {
    private let key: SymmetricKey
    private var chunk: UInt64 = 0
    private var bytes = Data()
    private var position = 0

    private static let chunkLength = 1 << 16
    private static let zeros = Data(count: chunkLength)

    /// - Parameter key: 32 bytes.
    public init(key: SymmetricKey) {
        precondition(key.bitCount == 256, "a key stream needs a key of 32 bytes")
        self.key = key
    }

    /// A stream that nobody can make again.
    public init() { self.init(key: SymmetricKey(size: .bits256)) }

    /// A stream that follows from a number, for tests and for runs that claim no privacy.
    public init(seed: UInt64) {
        let bytes = withUnsafeBytes(of: seed.littleEndian) { Data($0) }
        self.init(
            key: HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: bytes), info: Data("cohort seeded stream".utf8),
                outputByteCount: 32))
    }

    public mutating func next() -> UInt64 {
        if position + 8 > bytes.count { refill() }
        defer { position += 8 }
        return bytes.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        }
    }

    /// Fills a buffer with the stream's next bytes, beginning with those after the last whole piece that was handed out.
    public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var filled = 0
        while filled < buffer.count {
            if position == bytes.count { refill() }
            let count = min(buffer.count - filled, bytes.count - position)
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[position..<position + count]))
            }
            filled += count
            position += count
        }
    }

    private mutating func refill() {
        // A chunk is 2¹² blocks of its own nonce: counters never meet.
        let nonce = [UInt8](repeating: 0, count: 4) + withUnsafeBytes(of: chunk.bigEndian) { Array($0) }
        do {
            bytes = try AES._CTR.encrypt(Self.zeros, using: key, nonce: AES._CTR.Nonce(nonceBytes: nonce))
        } catch {
            fatalError("AES refuses a key of 32 bytes: \(error)")
        }
        chunk += 1
        position = 0
    }
}
