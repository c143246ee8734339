import Foundation
import Testing

import Fleet

@Suite struct LinkMeasurementTests {
    private let pki: TestPKI

    init() throws { pki = try TestPKI.shared.get() }

    private func measure<Result: Sendable>(
        _ route: Route = LinkProbe.route, as leaf: KeyPath<TestPKI, TestAuthority.Leaf>? = \.alice,
        _ body: @Sendable @escaping (LinkMeasurement) async throws -> Result
    ) async throws -> Result {
        let settings = try pki.clientSettings(leaf.map { pki[keyPath: $0] })
        return try await TestServer.run(tls: pki.serverTLS, routes: [route]) { server in
            try await withClient(server.address(), settings) { try await body(LinkMeasurement($0)) }
        }
    }

    @Test func theServersTimeAndTheRatesAreMeasured() async throws {
        try await measure { link in
            let greeting = try await link.greet()
            #expect(abs(greeting.clockOffset) < 1)
            #expect(greeting.roundTrip > .zero && greeting.roundTrip < .seconds(5))
            // Loopback: more than a slow line, less than memory.
            for rate in [
                try await link.uploadRate(within: .milliseconds(100)),
                try await link.downloadRate(within: .milliseconds(100)),
            ] { #expect(rate > 1e4 && rate < 1e11, "\(rate) bytes/s") }
        }
    }

    @Test func aClockThatIsBehindIsSeen() async throws {
        let ahead = Route(
            .post, "/v1/fleet/measure-link", largestBody: 1024,
            handler: ClosureHandler { _ in
                Response(headers: [("cohort-time", "\(Date().timeIntervalSince1970 + 600)")])
            })
        let greeting = try await measure(ahead) { try await $0.greet() }
        #expect(abs(greeting.clockOffset - 600) < 2)
    }

    @Test func aSlowLineIsMeasuredAsSlow() async throws {
        // Every call takes 200 ms, whatever it carries: 4 × 64 KiB, then 4 × 256 KiB, …
        let slow = Route(
            .post, "/v1/fleet/measure-link", largestBody: 16 << 20,
            handler: ClosureHandler { request in
                for try await _ in request.body {}
                try await Task.sleep(for: .milliseconds(200))
                return Response()
            })
        let rate = try await measure(slow) { try await $0.uploadRate(within: .milliseconds(100)) }
        #expect(rate < Double(4 * (64 << 10)) / 0.2)
    }

    @Test func whoHasNoCertificateGetsNothing() async throws {
        await #expect {
            _ = try await measure(as: nil) { try await $0.greet() }
        } throws: {
            if case TransportError.denied(let refusal) = $0 { refusal.status == 401 } else { false }
        }
    }

    @Test(arguments: ["16777217", "-1", "9999999999999999999", "many"])
    func noMoreIsSentThanALimit(wanted: String) async throws {
        let settings = try pki.clientSettings(pki.alice)
        try await TestServer.run(tls: pki.serverTLS, routes: [LinkProbe.route]) { server in
            try await withClient(server.address(), settings) { client in
                await #expect {
                    _ = try await client.post(
                        "/v1/fleet/measure-link", headers: [("cohort-bytes", wanted)], [], answerUpTo: 1 << 20)
                } throws: {
                    if case TransportError.answered(let refusal) = $0 { refusal.status == 400 } else { false }
                }
            }
        }
    }
}
