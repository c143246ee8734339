import NIOCore
import NIOHTTP1
import Synchronization

/// Takes a connection's requests apart: heads, and the chunks of each body up to its limit.
///
/// `@unchecked`: the channel's iterator belongs to one task at a time, the connection's or, while it answers a request,
/// its handler's. `busy` stops a second one.
final class RequestReader: @unchecked Sendable {
    typealias Parts = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

    private enum State {
        case betweenRequests
        case inBody(received: Int64, limit: Int64)
        case failed(any Error)
    }

    private var parts: Parts
    private var state = State.betweenRequests
    private var proceed: (@Sendable () async throws -> Void)?
    private let busy = Mutex(false)

    init(_ parts: Parts) { self.parts = parts }

    /// Nil at the connection's end.
    func nextHead() async throws -> HTTPRequestHead? {
        switch try await next() {
        case .head(let head):
            state = .inBody(received: 0, limit: 0)
            return head
        case nil: return nil
        case .body, .end: throw TransportError.cut("a request did not begin with its head")
        }
    }

    /// - Parameter proceed: tells a caller who asked first that its body is wanted; called before the first chunk.
    func allowBody(upTo limit: Int64, proceed: (@Sendable () async throws -> Void)?) {
        state = .inBody(received: 0, limit: limit)
        self.proceed = proceed
    }

    /// Nil at the end of the request's body. After an error, the same error again.
    func nextChunk() async throws -> ByteBuffer? {
        switch state {
        case .betweenRequests: return nil
        case .failed(let error): throw error
        case .inBody(let received, let limit):
            do {
                if let proceed {
                    self.proceed = nil
                    try await proceed()
                }
                switch try await next() {
                case .body(let chunk):
                    let total = received + Int64(chunk.readableBytes)
                    guard total <= limit else { throw TransportError.bodyTooLarge(limit: limit) }
                    state = .inBody(received: total, limit: limit)
                    return chunk
                case .end:
                    state = .betweenRequests
                    return nil
                case .head, nil:
                    throw TransportError.cut("its body ended early")
                }
            } catch {
                state = .failed(error)
                throw error
            }
        }
    }

    /// What went wrong with the body of the request in progress.
    var failure: (any Error)? { if case .failed(let error) = state { error } else { nil } }

    /// Whether the request in progress has been read to its end; reads on for that as far as `limit`.
    func finishBody(within limit: Int64) async throws -> Bool {
        guard case .inBody = state else { return failure == nil }
        // A caller that waits for leave to send its body will not send it now.
        guard proceed == nil else { return false }
        state = .inBody(received: 0, limit: limit)
        do {
            while try await nextChunk() != nil {}
            return true
        } catch TransportError.bodyTooLarge {
            return false
        }
    }

    /// Throws away what still comes, up to a bound.
    func discard(upTo limit: Int) async {
        var left = limit
        while left > 0, let part = try? await next() {
            if case .body(let chunk) = part { left -= chunk.readableBytes }
        }
    }

    private func next() async throws -> HTTPServerRequestPart? {
        let free = busy.withLock { busy in
            defer { busy = true }
            return !busy
        }
        precondition(free, "A request's body is read by one task at a time.")
        defer { busy.withLock { $0 = false } }
        return try await parts.next()
    }
}
