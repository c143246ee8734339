import Fleet
import Foundation
import Testing

/// Who is let in, with which answer, and that each refusal is audited.
@Suite struct HTTPSServerAccessTests {
    let pki: TestPKI

    init() throws { pki = try TestPKI.shared.get() }

    @Test func aMemberIsKnownByItsCertificate() async throws {
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { client in
                let answer = try await client.echo([1, 2, 3])
                #expect(answer == TestServer.expectedEcho("alice", [1, 2, 3]))
            }
            #expect(server.audited.all.isEmpty)
        }
    }

    @Test func withoutACertificateOnlyEnrolmentIsOpen() async throws {
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(nil)) { client in
                let answer = try await client.echo([9], path: "/v1/enrol")
                #expect(answer == TestServer.expectedEcho("nobody", [9]))
                let error = await #expect(throws: TransportError.self) { try await client.echo() }
                guard case .denied(let refusal) = error else { return unexpected(error) }
                #expect(refusal.status == 401)
            }
            let event = try #require(server.audited.all.first)
            #expect(server.audited.all.count == 1)
            #expect(event.status == 401 && event.route == "/v1/fleet/push-object" && event.peer == nil)
            #expect(event.address == "127.0.0.1")
        }
    }

    enum Fault: String, CaseIterable {
        case otherAuthority, otherKeys, expired, notYetValid, serverLeaf, noIntermediate
    }

    @Test(arguments: Fault.allCases) func aFaultyCertificateIsRefusedInTheHandshake(_ fault: Fault) async throws {
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            var settings = try pki.clientSettings(nil)
            var alerts: Set<String> = []
            switch fault {
            case .otherAuthority:
                settings.identity = try TestAuthority(name: "Other").leaf("alice", .client).identity()
                alerts = ["unknown_ca"]
            case .otherKeys:
                settings.identity = try TestAuthority().leaf("alice", .client).identity()
                alerts = ["unknown_ca", "decrypt_error"]
            case .expired:
                settings.identity = try pki.authority.leaf("alice", .client, from: -60, to: -1).identity()
                alerts = ["certificate_expired"]
            case .notYetValid:
                settings.identity = try pki.authority.leaf("alice", .client, from: 600).identity()
                alerts = ["certificate_expired"]
            case .serverLeaf:
                settings.identity = try pki.serverLeaf.identity()
                alerts = ["unsupported_certificate"]
            case .noIntermediate:
                settings.identity = try pki.alice.identity(withIntermediate: false)
                alerts = ["unknown_ca"]
            }
            // Also for the path that needs no certificate: a shown one must be good.
            try await withClient(server.address(), settings) { client in
                let error = await #expect(throws: TransportError.self) { try await client.echo(path: "/v1/enrol") }
                guard case .certificateRefused(let alert) = error else {
                    return unexpected(error)
                }
                #expect(alerts.contains(alert), "\(alert)")
            }
            // The client knows before the server has written it down.
            func isAudited() -> Bool {
                server.audited.all.contains { $0.status == nil && $0.reason.hasPrefix("TLS handshake failed") }
            }
            for _ in 0..<300 where !isAudited() { try await Task.sleep(for: .milliseconds(100)) }
            #expect(isAudited())
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { _ = try await $0.echo() }
        }
    }

    @Test func revocationHoldsWithinALiveConnection() async throws {
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { client in
                _ = try await client.echo()
                server.revoked.append("alice")
                let error = await #expect(throws: TransportError.self) { try await client.echo() }
                #expect(
                    error
                        == .denied(
                            Refusal(status: 403, code: 7, detail: "The certificate of alice is revoked.")))
            }
            #expect(server.audited.all.map(\.peer) == ["alice"])
        }
    }

    @Test func aCertificateThatEndsWithinAConnectionEndsItsRights() async throws {
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            let short = try pki.authority.leaf("alice", .client, to: 3)
            try await withClient(server.address(), pki.clientSettings(short)) { client in
                _ = try await client.echo()
                try await Task.sleep(for: .seconds(4))
                let error = await #expect(throws: TransportError.self) { try await client.echo() }
                guard case .denied(let refusal) = error else { return unexpected(error) }
                #expect(refusal.status == 403 && refusal.detail.contains("has ended"))
            }
        }
    }

    @Test func aStrangerOfTheSameAuthorityIsRefused() async throws {
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            let stranger = try pki.authority.leaf("stranger", .client)
            try await withClient(server.address(), pki.clientSettings(stranger)) { client in
                let error = await #expect(throws: TransportError.self) { try await client.echo(path: "/v1/enrol") }
                #expect(error == .denied(Refusal(status: 403, detail: "stranger is not a member.")))
            }
        }
    }

    @Test func aSiteHasNoPlaceOnTheAdministrationPort() async throws {
        let routes = [Route(.get, "/health", largestBody: 0, handler: TestServer.echo)]
        try await TestServer.run(tls: pki.serverTLS, audience: .administrators, routes: routes) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { client in
                let error = await #expect(throws: TransportError.self) { try await client.echo(path: "/health") }
                #expect(error == .denied(Refusal(status: 403, detail: "alice is no administrator.")))
            }
            #expect(server.audited.all.map(\.status) == [403])
        }
    }

    @Test func aRenewedServerCertificateServesNewConnections() async throws {
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { old in
                _ = try await old.echo()
                let other = try TestAuthority(name: "New")
                let renewed = try HTTPSServer.TLS(
                    identity: other.leaf("localhost", .server).identity(), clientRoots: pki.authority.roots())
                try server.server.replace(renewed)
                var settings = try pki.clientSettings(pki.alice)
                settings.roots = try other.roots()
                try await withClient(server.address(), settings) { _ = try await $0.echo() }
                _ = try await old.echo()  // on its open connection
            }
        }
    }

    static let openssl = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// A TLS ticket carries the identity without a new look at the certificate: revocation must hold all the same.
    @Test(.enabled(if: openssl != nil, "openssl is not installed"))
    func aResumedSessionDoesNotOutliveARevocation() async throws {
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            let folder = FileManager.default.temporaryDirectory.appending(path: "fleet-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try pki.authority.rootPEM().write(to: folder.appending(path: "root"), atomically: true, encoding: .utf8)
            try pki.alice.pem().write(to: folder.appending(path: "chain"), atomically: true, encoding: .utf8)
            try pki.alice.keyPEM().write(to: folder.appending(path: "key"), atomically: true, encoding: .utf8)
            let base = ["s_client", "-connect", "127.0.0.1:\(server.port)", "-CAfile", "root", "-quiet"]
            let certificate = ["-cert", "chain", "-cert_chain", "chain", "-key", "key"]

            let first = try await call(base + certificate + ["-sess_out", "session"], in: folder)
            #expect(first.contains("200 OK") && first.contains("alice 3"), "\(first)")
            // The ticket alone, without certificate or key.
            let second = try await call(base + ["-sess_in", "session"], in: folder)
            #expect(second.contains("200 OK") && second.contains("alice 3"), "resumption itself: \(second)")
            server.revoked.append("alice")
            let third = try await call(base + ["-sess_in", "session"], in: folder)
            #expect(third.contains("403 Forbidden") && !third.contains("alice 3"), "\(third)")
        }
    }

    private func call(_ arguments: [String], in folder: URL) async throws -> String {
        try await blocking {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: Self.openssl!)
            process.arguments = arguments
            process.currentDirectoryURL = folder
            let input = Pipe()
            let output = Pipe()
            process.standardInput = input
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            input.fileHandleForWriting.write(
                Data(
                    "POST /v1/fleet/push-object HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc"
                        .utf8))
            let answer = output.fileHandleForReading.readDataToEndOfFile()
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
            return String(decoding: answer, as: UTF8.self)
        }
    }
}
