import Federation
import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// What lies between sites and server: bytes pass late and slowly, and connections are cut.
final class FaultyLink: Sendable {
    let port: Int
    private let schedule: Schedule
    private let state: Mutex<State>
    private let up: Pace
    private let down: Pace

    private struct State {
        /// The server's port; nil where nobody listens.
        var target: Int?
        var bytes = 0
        var cuts = 0
        var random: SplitMix64
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private init(_ schedule: Schedule, port: Int) {
        self.schedule = schedule
        self.port = port
        state = Mutex(State(random: SplitMix64(seed: schedule.seed ^ 0x6c69_6e6b)))
        (up, down) = (Pace(schedule), Pace(schedule))
    }

    /// Bytes that have passed, both ways together.
    var bytes: Int { state.withLock { $0.bytes } }
    var cuts: Int { state.withLock { $0.cuts } }
    func connect(to target: Int?) { state.withLock { $0.target = target } }

    /// Passes bytes on as long as `body` runs.
    static func run<Result: Sendable>(
        _ schedule: Schedule, _ body: (FaultyLink) async throws -> Result
    ) async throws -> Result {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
            }
        let link = FaultyLink(schedule, port: listener.channel.localAddress!.port!)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { connections in
                    try await listener.executeThenClose { inbound in
                        for try await connection in inbound {
                            connections.addTask { try? await link.serve(connection) }
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            return try await body(link)
        }
    }

    /// What happens to one connection.
    private struct Fault {
        var kind: Schedule.Cuts.Kind
        var isUp: Bool
        var bytes: Int
        var pause: Double
    }

    private func drawFault() -> Fault? {
        guard let cuts = schedule.cuts else { return nil }
        return state.withLock { state in
            guard Double.random(in: 0..<1, using: &state.random) < cuts.probability else { return nil }
            let bytes = exp(Double.random(in: 0...log(Double(cuts.longest)), using: &state.random))
            return Fault(
                kind: cuts.kinds.randomElement(using: &state.random)!, isUp: .random(using: &state.random),
                bytes: Int(bytes), pause: .random(in: 0.1...3, using: &state.random))
        }
    }

    private func serve(_ connection: Connection) async throws {
        let fault = drawFault()
        try await connection.executeThenClose { inbound, outbound in
            guard let target = state.withLock({ $0.target }) else { return }
            let upstream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: target) { channel in
                    channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
                }
            try await upstream.executeThenClose { upInbound, upOutbound in
                let close: @Sendable (_ resets: Bool) -> Void = { resets in
                    for channel in [connection.channel, upstream.channel] {
                        if resets {
                            _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                        }
                        channel.close(promise: nil)
                    }
                }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await self.pump(upInbound, outbound, self.down, fault.flatMap { $0.isUp ? nil : $0 }, close)
                    }
                    group.addTask {
                        await self.pump(inbound, upOutbound, self.up, fault.flatMap { $0.isUp ? $0 : nil }, close)
                    }
                }
            }
        }
    }

    /// Passes one direction on until it ends or is cut.
    private func pump(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ pace: Pace, _ fault: Fault?, _ close: @escaping @Sendable (_ resets: Bool) -> Void
    ) async {
        let (queue, continuation) = AsyncStream.makeStream(of: (ContinuousClock.Instant, ByteBuffer).self)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    for try await bytes in inbound {
                        let arrival = pace.arrival(of: bytes.readableBytes)
                        continuation.yield((arrival, bytes))
                        // As much as a socket buffers is under way, and not more.
                        let ahead = arrival - .now - .milliseconds(250)
                        if ahead > .zero { try await Task.sleep(for: ahead) }
                    }
                } catch {}
                continuation.finish()
            }
            group.addTask {
                do {
                    var passed = 0
                    var swallows = false
                    for await (arrival, bytes) in queue {
                        if arrival > .now { try await Task.sleep(until: arrival) }
                        self.state.withLock { $0.bytes += bytes.readableBytes }
                        var rest = bytes
                        if let fault, passed <= fault.bytes, passed + bytes.readableBytes > fault.bytes {
                            if let part = rest.readSlice(length: fault.bytes - passed), part.readableBytes > 0 {
                                try await outbound.write(part)
                            }
                            self.state.withLock { $0.cuts += 1 }
                            switch fault.kind {
                            case .close, .reset: return close(fault.kind == .reset)
                            case .pause: try await Task.sleep(for: .seconds(fault.pause))
                            case .swallow: swallows = true
                            }
                        }
                        passed += bytes.readableBytes
                        if !swallows { try await outbound.write(rest) }
                    }
                } catch {}
                close(false)
            }
        }
    }
}

/// One direction of a link: when bytes that are sent now have arrived.
private final class Pace: Sendable {
    private let latency: Duration
    private let rate: Int?
    private let free = Mutex(ContinuousClock.now)

    init(_ schedule: Schedule) { (latency, rate) = (.seconds(schedule.latency), schedule.rate) }

    func arrival(of bytes: Int) -> ContinuousClock.Instant {
        guard let rate else { return .now + latency }
        return free.withLock { free in
            free = max(free, .now) + .seconds(Double(bytes) / Double(rate))
            return free + latency
        }
    }
}
