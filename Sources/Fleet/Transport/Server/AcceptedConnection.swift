import HummingbirdCore
import NIOCore
import NIOHTTP1
import Synchronization

/// A connection from being accepted to being served.
///
/// It may be dropped at any moment, as a server that is cancelled drops what it has not come to; then it is closed.
/// SwiftNIO's asynchronous channels may not, so one is made only by the task that serves the connection.
final class AcceptedConnection: ServerChildChannelValue {
    let channel: any Channel
    /// Of the other end, without the port.
    let address: String
    private let waitingRoom: NIOLoopBound<WaitingRoom>
    private let isServed = Atomic(false)

    /// - Parameter channel: one whose first read is still to come; called on its event loop, when its handlers are there.
    init(_ channel: any Channel, address: String) throws {
        (self.channel, self.address) = (channel, address)
        waitingRoom = NIOLoopBound(WaitingRoom(), eventLoop: channel.eventLoop)
        guard let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
        // Nothing is read yet but what one sends who says farewell at once.
        try options.setOption(.autoRead, value: false)
        try channel.pipeline.syncOperations.addHandler(waitingRoom.value)
    }

    deinit { if !isServed.load(ordering: .relaxed) { channel.close(promise: nil) } }

    /// The connection's parts, from the first byte on. Must be scoped at once, with `executeThenClose`.
    ///
    /// - Throws: where it is closed already, what it was closed for.
    func opened() async throws -> NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart> {
        isServed.store(true, ordering: .relaxed)
        return try await channel.eventLoop.submit { [channel, waitingRoom] in
            let waiting = waitingRoom.value
            // Only an active channel takes the handler for certain.
            guard channel.isActive, let options = channel.syncOptions else {
                throw waiting.error ?? ChannelError.ioOnClosedChannel
            }
            // Hundreds of bodies may be under way: little of each waits for its handler.
            try options.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 32 * 1024))
            try options.setOption(.maxMessagesPerRead, value: 1)
            let parts = try NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>(
                wrappingChannelSynchronously: channel,
                configuration: .init(
                    backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2), isOutboundHalfClosureEnabled: true))
            waiting.open()
            try? options.setOption(.autoRead, value: true)
            return parts
        }.get()
    }
}

/// Keeps what comes in before somebody serves the connection.
private final class WaitingRoom: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart

    private enum Arrival {
        case part(NIOAny)
        case event(Any)
        case failure(any Error)
    }

    private var arrivals: [Arrival] = []
    private var context: ChannelHandlerContext?

    var error: (any Error)? {
        for case .failure(let error) in arrivals { return error }
        return nil
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { arrivals.append(.part(data)) }
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) { arrivals.append(.event(event)) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { arrivals.append(.failure(error)) }

    /// Lets all of it through to the handler behind, and leaves.
    func open() {
        guard let context else { return }
        for arrival in arrivals {
            switch arrival {
            case .part(let data): context.fireChannelRead(data)
            case .event(let event):
                context.fireChannelReadComplete()
                context.fireUserInboundEventTriggered(event)
            case .failure(let error):
                context.fireChannelReadComplete()
                context.fireErrorCaught(error)
            }
        }
        arrivals = []
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
