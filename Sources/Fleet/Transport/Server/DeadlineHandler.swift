import NIOCore
import NIOHTTP1

/// Ends connections that keep the server waiting: a head or a body that comes byte by byte, an answer that nobody
/// reads. Time in which the server itself is slow is not counted.
///
/// It stands between the HTTP decoder and the asynchronous channel: a `read` from below it is the server's demand.
final class DeadlineHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        /// For a request's head, by then.
        case awaiting(until: NIODeadline)
        case receiving(Body)
        /// The request is read; the handler works.
        case answering
    }

    private struct Body {
        var received: Int64 = 0
        var waited: TimeAmount = .zero
        /// Since when the server waits for more.
        var waitingSince: NIODeadline?
    }

    private let limits: ServerLimits
    private var phase: Phase
    private var unreadSince: NIODeadline?
    private var unanswered = 0
    /// Whether a request's head ever came.
    private var isInUse = false
    private var quiescing = false
    private var timer: (fires: NIODeadline, task: Scheduled<Void>)?

    init(_ limits: ServerLimits) {
        self.limits = limits
        phase = .awaiting(until: .now() + TimeAmount(limits.head))
    }

    func handlerAdded(context: ChannelHandlerContext) { arm(context) }

    func handlerRemoved(context: ChannelHandlerContext) { disarm() }

    func channelInactive(context: ChannelHandlerContext) {
        disarm()
        context.fireChannelInactive()
    }

    // MARK: What comes

    func read(context: ChannelHandlerContext) {
        if case .receiving(var body) = phase, body.waitingSince == nil {
            body.waitingSince = .now()
            phase = .receiving(body)
            arm(context)
        }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            unanswered += 1
            isInUse = true
            phase = .receiving(Body(waitingSince: .now()))
            arm(context)
        case .body(let bytes):
            if case .receiving(var body) = phase {
                body.received += Int64(bytes.readableBytes)
                if let since = body.waitingSince { body.waited = body.waited + (.now() - since) }
                body.waitingSince = nil
                phase = .receiving(body)
            }
        case .end: phase = .answering
        }
        context.fireChannelRead(data)
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        unanswered -= 1
        if unanswered == 0, case .answering = phase {
            phase = .awaiting(until: .now() + TimeAmount(limits.head))
            arm(context)
        }
        if unanswered == 0, quiescing {
            context.writeAndFlush(data, promise: promise)
            context.close(promise: nil)
        } else {
            context.write(data, promise: promise)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unreadSince = context.channel.isWritable ? nil : .now()
        arm(context)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            quiescing = true
            if unanswered == 0 { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: The clock

    private var deadline: NIODeadline? {
        var deadline = unreadSince.map { $0 + TimeAmount(limits.unreadAnswer) }
        switch phase {
        case .awaiting(let until): deadline = min(until, deadline ?? until)
        case .receiving(let body):
            guard let since = body.waitingSince else { break }
            let earned = TimeAmount.nanoseconds(body.received * 1_000_000_000 / Int64(limits.slowestBody))
            let until = since + (TimeAmount(limits.bodyGrace) + earned - body.waited)
            deadline = min(until, deadline ?? until)
        case .answering: break
        }
        return deadline
    }

    /// One timer, moved only when it would fire too late: a deadline moves with every chunk.
    private func arm(_ context: ChannelHandlerContext) {
        guard let deadline else { return }
        if let timer {
            if timer.fires <= deadline { return }
            timer.task.cancel()
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = (
            deadline,
            context.eventLoop.scheduleTask(deadline: deadline) {
                let (handler, context) = bound.value
                handler.fire(context)
            }
        )
    }

    private func disarm() {
        timer?.task.cancel()
        timer = nil
    }

    private func fire(_ context: ChannelHandlerContext) {
        timer = nil
        guard let deadline else { return }
        guard NIODeadline.now() >= deadline else { return arm(context) }
        switch phase {
        case .receiving where unreadSince == nil, .awaiting where unreadSince == nil && !isInUse:
            // The connection answers 408 and closes, or closes with a line in the audit log.
            phase = .answering
            context.fireErrorCaught(TransportError.slowBody)
        default:
            context.close(promise: nil)
        }
    }
}
