/// Bytes that can be read again: in memory, or a part of a file. A repeated call sends the same ones.
public protocol ByteSource: Sendable {
    var length: Int64 { get }
    /// The bytes at a range within `0..<length`: all of them, or an error.
    func read(_ range: Range<Int64>) async throws -> [UInt8]
}

extension ByteSource {
    /// What one reading of a streamed source takes.
    static var chunkLength: Int64 { 64 * 1024 }
}

/// A message in memory.
public struct MemorySource: ByteSource {
    public let bytes: [UInt8]
    public var length: Int64 { Int64(bytes.count) }

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public func read(_ range: Range<Int64>) -> [UInt8] {
        if range == 0..<length { return bytes }
        return Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }
}
