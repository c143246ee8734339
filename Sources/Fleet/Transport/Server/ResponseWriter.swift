import NIOCore
import NIOHTTP1

/// Writes one answer, in pieces that keep memory flat.
struct ResponseWriter: Sendable {
    let channel: any Channel
    let outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    let head: HTTPRequestHead

    /// Tells a caller that waits for it (`expect: 100-continue`) to send its body.
    var proceed: (@Sendable () async throws -> Void)? {
        guard head.version == .http1_1, head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" })
        else { return nil }
        return { try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .continue))) }
    }

    /// - Parameter close: whether the connection ends with this answer.
    func write(_ response: Response, close: Bool) async throws {
        var headers = HTTPHeaders(response.headers)
        headers.replaceOrAdd(name: "connection", value: close ? "close" : "keep-alive")
        switch response.body {
        case .bytes(let bytes): headers.replaceOrAdd(name: "content-length", value: "\(bytes.count)")
        case .source(let source): headers.replaceOrAdd(name: "content-length", value: "\(source.length)")
        case .stream: headers.replaceOrAdd(name: "transfer-encoding", value: "chunked")
        }
        let answer = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
        guard head.method != .HEAD else { return try await outbound.write(contentsOf: [.head(answer), .end(nil)]) }
        switch response.body {
        case .bytes(let bytes) where bytes.count <= Int(MemorySource.chunkLength):
            var parts: [HTTPServerResponsePart] = [.head(answer)]
            if !bytes.isEmpty { parts.append(.body(.byteBuffer(ByteBuffer(bytes: bytes)))) }
            parts.append(.end(nil))
            try await outbound.write(contentsOf: parts)
        case .bytes(let bytes): try await write(MemorySource(bytes), after: answer)
        case .source(let source): try await write(source, after: answer)
        case .stream(let chunks):
            var stream = Stream(channel: channel)
            try await stream.write(.head(answer))
            for try await chunk in chunks where !chunk.isEmpty {
                try await stream.write(.body(.byteBuffer(ByteBuffer(bytes: chunk))))
            }
            try await stream.finish()
        }
    }

    private func write(_ source: any ByteSource, after answer: HTTPResponseHead) async throws {
        var stream = Stream(channel: channel)
        try await stream.write(.head(answer))
        var start: Int64 = 0
        while start < source.length {
            let end = min(start + MemorySource.chunkLength, source.length)
            let chunk = try await source.read(start..<end)
            try await stream.write(.body(.byteBuffer(ByteBuffer(bytes: chunk))))
            start = end
        }
        try await stream.finish()
    }

    /// Writes parts with at most two on their way to the socket.
    ///
    /// The asynchronous writer would take as many as are made before its event loop turns: hundreds of megabytes where
    /// a file is in the page cache and the processor is busy.
    private struct Stream {
        let channel: any Channel
        private var last: EventLoopFuture<Void>?

        init(channel: any Channel) { self.channel = channel }

        mutating func write(_ part: HTTPServerResponsePart) async throws {
            let promise = channel.eventLoop.makePromise(of: Void.self)
            channel.writeAndFlush(part, promise: promise)
            let former = last
            last = promise.futureResult
            try await former?.get()
        }

        mutating func finish() async throws {
            try await write(.end(nil))
            try await last?.get()
        }
    }
}
