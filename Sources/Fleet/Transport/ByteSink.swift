/// Where an answer's bytes go, as they arrive.
public protocol ByteSink: Sendable {
    /// An attempt's answer begins; what came of an earlier one is void.
    /// - Parameter length: as the other end declares it.
    func restart(length: Int64?) async throws
    func write(_ bytes: [UInt8]) async throws
}

/// An answer in memory, bounded.
public actor MemorySink: ByteSink {
    public private(set) var bytes: [UInt8] = []
    private let limit: Int

    public init(limit: Int) { self.limit = limit }

    public func restart(length: Int64?) throws {
        bytes = []
        guard let length else { return }
        guard length <= limit else { throw TransportError.bodyTooLarge(limit: Int64(limit)) }
        bytes.reserveCapacity(Int(length))
    }

    public func write(_ more: [UInt8]) throws {
        guard bytes.count + more.count <= limit else { throw TransportError.bodyTooLarge(limit: Int64(limit)) }
        bytes += more
    }
}
