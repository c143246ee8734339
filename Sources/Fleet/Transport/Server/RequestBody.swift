/// A call's body as it arrives. It is read once, by one task.
///
/// Its errors are `TransportError`s: `bodyTooLarge`, `slowBody`, `cut`. A body that ends early throws; what a handler
/// read to the end is whole.
public struct RequestBody: AsyncSequence, Sendable {
    /// As declared; nil for a chunked body.
    public let length: Int64?
    let reader: RequestReader

    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    public struct Iterator: AsyncIteratorProtocol {
        let reader: RequestReader

        public mutating func next() async throws -> [UInt8]? {
            try await reader.nextChunk().map { Array(buffer: $0) }
        }
    }

    /// The whole body. The route's limit holds as well.
    public func collect(upTo limit: Int = .max) async throws -> [UInt8] {
        guard length ?? 0 <= limit else { throw TransportError.bodyTooLarge(limit: Int64(limit)) }
        var bytes: [UInt8] = []
        // A declared length is only a promise: no more is set aside for it than soon follows.
        bytes.reserveCapacity(Int(Swift.min(length ?? 0, 8 << 20)))
        while let chunk = try await reader.nextChunk() {
            guard bytes.count + chunk.readableBytes <= limit else {
                throw TransportError.bodyTooLarge(limit: Int64(limit))
            }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return bytes
    }
}
