#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a server is reached: its time, and how fast bytes go there and come back.
///
/// Each figure is measured with as many calls at once as a site makes in a round.
public struct LinkMeasurement: Sendable {
    private let connection: HTTPSClient
    private static let callsAtOnce = 4

    public init(_ connection: HTTPSClient) { self.connection = connection }

    /// A server's answer to a call without content.
    public struct Greeting: Sendable, Equatable {
        /// How far this machine's clock is behind the server's, in seconds; below 0 where it is ahead.
        public var clockOffset: Double
        public var roundTrip: Duration
    }

    /// Calls once to open a connection, and once to measure.
    ///
    /// - Throws: `TransportError`; `answered` with 404 from a server that does not measure.
    public func greet() async throws -> Greeting {
        _ = try await call(sending: 0, wanting: 0)
        let start = ContinuousClock.now
        let reply = try await call(sending: 0, wanting: 0)
        let roundTrip = ContinuousClock.now - start
        let here = Date().timeIntervalSince1970 - (roundTrip / .seconds(1)) / 2
        guard let there = reply.headers.first(where: { $0.name.lowercased() == LinkProbe.timeHeader })?.value,
            let there = Double(there), there.isFinite
        else { throw TransportError.cut("the answer does not tell the server's time") }
        return Greeting(clockOffset: there - here, roundTrip: roundTrip)
    }

    /// Bytes per second from here to the server, of what takes about `time` to send.
    public func uploadRate(within time: Duration = .seconds(1)) async throws -> Double {
        try await rate(time) { try await call(sending: $0, wanting: 0) }
    }

    /// Bytes per second from the server to here.
    public func downloadRate(within time: Duration = .seconds(1)) async throws -> Double {
        try await rate(time) { try await call(sending: 0, wanting: $0) }
    }

    /// Takes more each time until it takes long enough to tell: a connection's first bytes are its slowest.
    private func rate(_ time: Duration, _ body: @Sendable @escaping (Int64) async throws -> HTTPSClient.Reply)
        async throws -> Double
    {
        // Handshakes are not what is measured.
        try await Self.atOnce { _ = try await body(0) }
        var count: Int64 = 64 << 10
        while true {
            let start = ContinuousClock.now
            let length = count
            try await Self.atOnce { _ = try await body(length) }
            let taken = ContinuousClock.now - start
            if taken >= time || count == LinkProbe.longest {
                return Double(count * Int64(Self.callsAtOnce)) / (taken / .seconds(1))
            }
            count = min(count * 4, LinkProbe.longest)
        }
    }

    private static func atOnce(_ body: @Sendable @escaping () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<callsAtOnce { group.addTask { try await body() } }
            try await group.waitForAll()
        }
    }

    private func call(sending count: Int64, wanting wanted: Int64) async throws -> HTTPSClient.Reply {
        let sink = CountingSink()
        let reply = try await connection.post(
            LinkProbe.path, headers: [(LinkProbe.wantedHeader, "\(wanted)")], body: ProbeBytes(length: count),
            into: sink, retry: .never)
        guard await sink.count == wanted else {
            throw TransportError.cut("\(await sink.count) of \(wanted) bytes came")
        }
        return reply
    }
}

/// Counts an answer and keeps nothing.
private actor CountingSink: ByteSink {
    private(set) var count: Int64 = 0

    func restart(length: Int64?) { count = 0 }
    func write(_ bytes: [UInt8]) { count += Int64(bytes.count) }
}
