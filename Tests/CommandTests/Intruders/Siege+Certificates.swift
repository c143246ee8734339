import Fleet
import Foundation
import Provisioning
import Testing

extension Siege {
    /// Any call that a member may make: no run and no state are touched by it.
    static let harmless = "/v1/fleet/measure-link"

    func wrongCertificates() async throws {
        let site = try kit("mallory")
        let welcome = try await call(Self.harmless, as: site)
        #expect(welcome.status == 200, "\(welcome)")

        for path in [Self.harmless, "/v1/fleet/pull-messages"] {
            let answer = try await call(path, as: nil)
            #expect(answer.status == 401, "\(answer)")
            try await expectAudit("no certificate") { $0.status == 401 && $0.route == path && $0.peer == nil }
        }
        let nobody = try await call("/v1/admin/status", Array("{}".utf8), as: nil, administration: true)
        #expect(nobody.status == 401, "\(nobody)")
        try await expectAudit("no certificate") { $0.status == 401 && $0.route == "/v1/admin/status" }

        let count = audit.filter { $0.reason.hasPrefix("TLS handshake failed") }.count
        let other = try await call(Self.harmless, as: stranger("hospital_a"))
        #expect(["unknown_ca", "decrypt_error"].contains(other.alert), "\(other)")
        let expired = try await call(Self.harmless, as: expired("mallory"))
        #expect(expired.alert == "certificate_expired", "\(expired)")
        let server = try await call(Self.harmless, as: kit("server"))
        #expect(server.alert == "unsupported_certificate", "\(server)")
        for _ in 0..<100 where audit.filter({ $0.reason.hasPrefix("TLS handshake failed") }).count < count + 3 {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(audit.filter { $0.reason.hasPrefix("TLS handshake failed") }.count >= count + 3)

        let onOther = try await call("/v1/admin/status", Array("{}".utf8), as: site, administration: true)
        #expect(onOther.status == 403, "\(onOther)")
        try await expectAudit("a site among administrators") {
            $0.status == 403 && $0.peer == "mallory" && $0.route == "/v1/admin/status"
        }
        let person = try await call(Self.harmless, as: kit("anna@example.org"))
        #expect(person.status == 403, "\(person)")
        try await expectAudit("an administrator among sites") { $0.status == 403 && $0.peer == "anna@example.org" }
    }

    /// It counts from the very next call on, also of a connection that is open.
    func revokedOnAnOpenConnection() async throws {
        let socket = try await TLSSocket(port: ports.sites, identity: kit("revoked_site"), roots: authority)
        let request = "POST \(Self.harmless) HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
        await socket.send(request)
        let welcome = try await socket.receive()
        #expect(welcome.hasPrefix("HTTP/1.1 200"), "\(welcome)")
        let revoked = try await run("provision", "revoke", "revoked_site", "--server", folder("server").path)
        #expect(revoked.status == 0, "\(revoked.errors)")
        await socket.send(request)
        let refused = try await socket.receive()
        #expect(refused.hasPrefix("HTTP/1.1 403") && refused.contains("is revoked"), "\(refused)")
        await socket.close()
        try await expectAudit("revoked") {
            $0.peer == "revoked_site" && $0.status == 403 && $0.reason.contains("revoked")
        }
        let anew = try await call(Self.harmless, as: kit("revoked_site"))
        #expect(anew.status == 403, "\(anew)")
    }

    func tokensTwice() async throws {
        let invitation = try kit("server").invite("newcomer", organisation: "O")
        func ask(_ key: PrivateKey, _ name: String = "newcomer", _ token: String? = nil) async throws -> Answer {
            let request = EnrolmentRequest(
                csr: try SigningRequest(name: name, key: key).pem, proof: .token(token ?? invitation.token))
            return try await call("/v1/enrol", Array(JSONEncoder().encode(request)), as: nil)
        }
        let key = PrivateKey()
        for (answer, words) in [
            (try await ask(key, "newcomer", invitation.token + "x"), "not known here"),
            (try await ask(key, "../newcomer"), "is for newcomer"),
            (try await ask(key, "hospital_a"), "is for newcomer"),
        ] { #expect(answer.status == 403 && answer.text.contains(words), "\(answer)") }
        let first = try await ask(key)
        #expect(first.status == 200, "\(first)")
        // The answer may have been lost: the same key gets the same certificate, and no other key gets one.
        let again = try await ask(key)
        let certificate = try JSONDecoder().decode(EnrolmentReply.self, from: Data(first.text.utf8)).certificates
        #expect(
            try JSONDecoder().decode(EnrolmentReply.self, from: Data(again.text.utf8)).certificates == certificate)
        let thief = try await ask(PrivateKey())
        #expect(thief.status == 403 && thief.text.contains("used already"), "\(thief)")
        try await expectAudit("a token twice") {
            $0.status == 403 && $0.route == "/v1/enrol" && $0.reason.contains("used already")
        }
        #expect(!auditText.contains(invitation.token))
    }

    /// Sites of other versions are told so, and so are the server's people.
    func otherVersions() async throws {
        for version in [FleetEndpoint.version - 1, FleetEndpoint.version + 1] {
            let connection = try client(kit("mallory"))
            let words =
                "This site speaks form \(version) of Cohort's tasks and this server form \(FleetEndpoint.version)"
            do {
                _ = try await FleetClient(connection, version: version).activate(heartbeat: 30)
                Issue.record("version \(version) was let in")
            } catch { #expect(FleetClient.status(of: error) == 412 && "\(error)".contains(words), "\(error)") }
            try await connection.close()
            try await expectAudit("version \(version)") {
                $0.peer == "mallory" && $0.status == 412 && $0.reason.contains(words)
            }
            #expect(serverLog.contains(words))
        }
    }
}
