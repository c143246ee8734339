import HummingbirdCore
import NIOCore
import NIOHTTP1
import Synchronization

/// A connection from being accepted to being served: nothing is read from it yet, its handshake neither.
///
/// It may be dropped at any moment, as a server that is cancelled drops what it has not come to; then it is closed.
/// SwiftNIO's asynchronous channels may not, so one is made only by the task that serves the connection.
final class AcceptedConnection: ServerChildChannelValue {
    let channel: any Channel
    private let isServed = Atomic(false)

    /// - Parameter channel: one whose first read is still to come; called on its event loop.
    init(_ channel: any Channel) throws {
        self.channel = channel
        guard let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
        try options.setOption(.autoRead, value: false)
    }

    deinit { if !isServed.load(ordering: .relaxed) { channel.close(promise: nil) } }

    /// The connection's parts, from the first byte on. Must be scoped at once, with `executeThenClose`.
    ///
    /// - Throws: `ChannelError` where it is closed already.
    func opened() async throws -> NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart> {
        isServed.store(true, ordering: .relaxed)
        return try await channel.eventLoop.submit { [channel] in
            // Only an active channel takes the handler for certain.
            guard channel.isActive, let options = channel.syncOptions else { throw ChannelError.ioOnClosedChannel }
            let parts = try NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            try? options.setOption(.autoRead, value: true)
            return parts
        }.get()
    }
}
