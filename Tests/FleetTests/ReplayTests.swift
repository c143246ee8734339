import Crypto
import Federation
import FederationTesting
import Fleet
import Foundation
import Testing

/// Signed calls that somebody listened to, sent again over the network.
@Suite struct ReplayTests {
    private struct Outcome: Equatable {
        var status: Int
        var body: [UInt8] = []
    }

    private static func send(
        _ client: HTTPSClient, _ method: FleetMethod, _ body: [UInt8], _ headers: [(name: String, value: String)]
    ) async throws -> Outcome {
        do {
            return Outcome(
                status: 200,
                body: try await client.post(method.path, headers: headers, body, answerUpTo: 1 << 20, retry: .never))
        } catch { return Outcome(status: try #require(FleetClient.status(of: error), "\(error)")) }
    }

    @Test func aSignatureServesForOneCallAndItsRepeat() async throws {
        let folder = try TemporaryFolder()
        let service = try FleetService(folder.url, settings: .init(keys: .registered))
        let key = P384.Signing.PrivateKey()
        let node = try await service.register(SigningKey(key.publicKey), as: SiteName("flower_a")!)
        try await service.open(FleetRun(id: 7))
        try await TestServer.run(tls: nil, routes: FleetEndpoint(service).routes) { server in
            try await withClient(server.address("http"), HTTPSClient.Settings(roots: nil)) { client in
                let signer = CallSigner(key)
                let pem = Array(SigningKey(key.publicKey).pem.utf8)
                let activation = try FleetCall.activateNode(publicKey: pem, heartbeatInterval: 30).body
                let signed = try signer.headers(now: Date().timeIntervalSince1970)
                let first = try await Self.send(client, .activateNode, activation, signed)
                #expect(first.status == 200)
                // The exact repeat, as after an answer that was lost.
                #expect(try await Self.send(client, .activateNode, activation, signed) == first)

                let otherBody = try FleetCall.activateNode(publicKey: pem, heartbeatInterval: 40).body
                let run = try FleetCall.getRun(node, runID: 7).body
                let (before, after) = try PushObjectRequest(
                    node: node, runID: 7, object: FleetObject(.configRecord, body: []).id, session: ""
                ).around(byteCount: 3)
                let attempts: [(FleetMethod, [UInt8], [(name: String, value: String)])] = [
                    (.activateNode, otherBody, signed), (.getRun, run, signed),
                    (.pushObject, before + [1, 2, 3] + after, signed),
                    (.getRun, run, try CallSigner(key).headers(now: Date().timeIntervalSince1970 - 400)),
                    (.getRun, run, try CallSigner(key).headers(now: Date().timeIntervalSince1970 + 400)),
                    (
                        .getRun, run,
                        try CallSigner(P384.Signing.PrivateKey()).headers(now: Date().timeIntervalSince1970)
                    ),
                    (.getRun, run, []),
                ]
                for (index, (method, body, headers)) in attempts.enumerated() {
                    let outcome = try await Self.send(client, method, body, headers)
                    #expect(outcome.status == 401, "attempt \(index): \(outcome.status)")
                }
                #expect(server.audited.all.map(\.status) == attempts.map { _ in 401 })
                #expect(server.audited.all.allSatisfy { !$0.reason.isEmpty && $0.route != nil && $0.address != "" })
                // A new call of the same key is none of it.
                let fresh = try signer.headers(now: Date().timeIntervalSince1970 + 1)
                #expect(try await Self.send(client, .getRun, run, fresh).status == 200)
            }
        }
    }
}
