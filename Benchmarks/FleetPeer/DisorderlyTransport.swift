import ArgumentParser
import Federation
import Fleet
import Synchronization

/// What a client's calls suffer besides the network.
struct DisorderOptions: ParsableArguments {
    @Option(help: "The part of calls that are made twice, at once or up to 2 s later.") var repeats = 0.0
    @Option(help: "The part of calls that set out up to 0.5 s late, so that others overtake them.") var delays = 0.0
    @Option(help: "What the disorder follows from.") var disorderSeed: UInt64 = 1

    func validate() throws {
        guard (0...1).contains(repeats), (0...1).contains(delays) else {
            throw ValidationError("--repeats and --delays are parts of 1.")
        }
    }

    func around(_ transport: some CallTransport) -> any CallTransport {
        guard repeats > 0 || delays > 0 else { return transport }
        return DisorderlyTransport(transport, self)
    }
}

/// Makes calls twice, and some so late that others overtake them, as clients do that lost an answer.
final class DisorderlyTransport: CallTransport {
    private let transport: any CallTransport
    private let options: DisorderOptions
    private let random: Mutex<SplitMix64>

    init(_ transport: some CallTransport, _ options: DisorderOptions) {
        self.transport = transport
        self.options = options
        random = Mutex(SplitMix64(seed: options.disorderSeed))
    }

    private struct Plan {
        var delay: Double?
        /// Seconds after the call's begin.
        var second: Double?
        /// Whether the repeat's answer is the one that counts.
        var secondCounts = false
    }

    private func draw() -> Plan {
        random.withLock { random in
            var plan = Plan()
            func chance(_ part: Double) -> Bool { Double.random(in: 0..<1, using: &random) < part }
            if chance(options.delays) { plan.delay = .random(in: 0...0.5, using: &random) }
            guard chance(options.repeats) else { return plan }
            plan.secondCounts = chance(0.3)
            plan.second = chance(0.5) ? 0 : .random(in: 0...(plan.secondCounts ? 0.3 : 2), using: &random)
            return plan
        }
    }

    func post(
        _ path: String, headers: [(name: String, value: String)], body: any ByteSource, into sink: any ByteSink,
        retry: RetryPolicy?
    ) async throws -> HTTPSClient.Reply {
        let plan = draw()
        if let delay = plan.delay { try await Task.sleep(for: .seconds(delay)) }
        guard let second = plan.second else {
            return try await transport.post(path, headers: headers, body: body, into: sink, retry: retry)
        }
        // The other one lives on its own, whatever becomes of the call.
        Task { [transport] in
            if !plan.secondCounts { try await Task.sleep(for: .seconds(second)) }
            _ = try? await transport.post(path, headers: headers, body: body, into: Drain(), retry: .never)
        }
        if plan.secondCounts { try await Task.sleep(for: .seconds(second)) }
        return try await transport.post(path, headers: headers, body: body, into: sink, retry: retry)
    }
}

/// Takes an answer that nobody waits for.
private struct Drain: ByteSink {
    func restart(length: Int64?) {}
    func write(_ bytes: [UInt8]) {}
}
