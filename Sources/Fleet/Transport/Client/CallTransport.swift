/// Carries calls to one server: `HTTPSClient`, or one that stands before it.
public protocol CallTransport: Sendable {
    /// Streams a body up and the answer down, again after errors that may pass: each time the same headers and bytes.
    ///
    /// - Parameter retry: nil for the transport's own policy.
    /// - Throws: `TransportError`, `CancellationError`, or what the source or the sink throws.
    func post(
        _ path: String, headers: [(name: String, value: String)], body: any ByteSource, into sink: any ByteSink,
        retry: RetryPolicy?
    ) async throws -> HTTPSClient.Reply
}

extension CallTransport {
    public func post(
        _ path: String, headers: [(name: String, value: String)] = [], body: any ByteSource, into sink: any ByteSink
    ) async throws -> HTTPSClient.Reply {
        try await post(path, headers: headers, body: body, into: sink, retry: nil)
    }

    /// Sends a message from memory, and collects the answer there.
    public func post(
        _ path: String, headers: [(name: String, value: String)] = [], _ message: [UInt8], answerUpTo limit: Int,
        retry: RetryPolicy? = nil
    ) async throws -> [UInt8] {
        let sink = MemorySink(limit: limit)
        _ = try await post(path, headers: headers, body: MemorySource(message), into: sink, retry: retry)
        return await sink.bytes
    }
}
