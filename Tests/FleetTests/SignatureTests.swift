import Crypto
import Fleet
import Foundation
import Testing

@Suite struct SignatureTests {
    private let now = 1_800_000_000.25
    private let key = P384.Signing.PrivateKey()

    private func headers(_ key: P384.Signing.PrivateKey? = nil, at time: Double? = nil) throws -> [String: String] {
        Dictionary(uniqueKeysWithValues: try CallSigner(key ?? self.key).headers(now: time ?? now))
    }

    private func check(_ headers: [String: String], now: Double? = nil) throws(FleetFailure) -> CallSignature {
        try CallSignature(now: now ?? self.now) { headers[$0] }
    }

    /// Made by flwr 1.41.0's own functions.
    @Test func pythonsHeadersAreTaken() throws {
        let signature = try CallSignature(now: PythonSignature.time + 3) { PythonSignature.headers[$0] }
        #expect(
            signature.key.pem
                == String(decoding: Data(base64Encoded: PythonSignature.headers["flwr-public-key"]!)!, as: UTF8.self))
    }

    @Test func signedTimes() throws {
        let signed = try headers()
        #expect(signed["flwr-timestamp"] == "2027-01-15T08:00:00.250000+00:00")
        let signature = try check(signed)
        #expect(signature.key == SigningKey(key.publicKey) && signature.timestamp == signed["flwr-timestamp"])
        #expect(try headers(at: 951_782_400)["flwr-timestamp"] == "2000-02-29T00:00:00+00:00")
        #expect(try headers(at: 4_107_542_399.5)["flwr-timestamp"] == "2100-02-28T23:59:59.500000+00:00")
    }

    @Test func window() throws {
        let signed = try headers()
        for age in [-4.9, 0, 304.9] { _ = try check(signed, now: now + age) }
        for age in [-5.1, 305, 1e6, -1e6] {
            #expect(throws: FleetFailure(status: 401, detail: "Invalid SuperNode authentication"), "\(age)") {
                try check(signed, now: now + age)
            }
        }
    }

    @Test func whatIsNoSignatureIsRefused() throws {
        let signed = try headers()
        let other = try headers(P384.Signing.PrivateKey())
        let p256 = Data((P256.Signing.PrivateKey().publicKey.pemRepresentation + "\n").utf8).base64EncodedString()
        for (name, value) in [
            ("flwr-public-key", other["flwr-public-key"]), ("flwr-signature", other["flwr-signature"]),
            ("flwr-public-key", p256), ("flwr-public-key", nil), ("flwr-timestamp", nil), ("flwr-signature", nil),
            ("flwr-public-key", "%"), ("flwr-signature", ""), ("flwr-timestamp", "2027-01-15T08:00:00.250001+00:00"),
            ("flwr-timestamp", "2027-01-15T08:00:00.250000"), ("flwr-timestamp", "2027-02-30T08:00:00+00:00"),
            ("flwr-public-key", String(repeating: "A", count: 1 << 20)),
        ] {
            var headers = signed
            headers[name] = value
            #expect(throws: FleetFailure.self, "\(name) \(value ?? "none")") { try check(headers) }
        }
    }

    @Test func aSignerNeverRepeatsATime() throws {
        let signer = CallSigner(key)
        let times = try (0..<100).map { _ in try signer.headers(now: now)[1].value }
        #expect(Set(times).count == 100 && times == times.sorted())
    }

    @Test func aSignatureServesForOneCall() throws {
        var ledger = CallLedger()
        let signature = try check(try headers())
        let (body, other) = (SHA256.hash(data: [1]), SHA256.hash(data: [2]))
        #expect(try ledger.admit(signature, .pullMessages, body: body, now: now) == false)
        #expect(try ledger.admit(signature, .pullMessages, body: body, now: now + 1) == true)
        #expect(throws: FleetFailure.self) { try ledger.admit(signature, .pullMessages, body: other, now: now + 1) }
        #expect(throws: FleetFailure.self) { try ledger.admit(signature, .pushMessages, body: body, now: now + 309) }
        // Another key at the same time is another call.
        let second = try check(try headers(P384.Signing.PrivateKey()))
        #expect(try ledger.admit(second, .pushMessages, body: other, now: now) == false)
    }

    /// A signature that is a little ahead of the server's clock must not outlive its entry.
    @Test func anEntryOutlivesItsSignature() throws {
        var ledger = CallLedger()
        let signed = try headers(at: now + 4.9)
        let body = SHA256.hash(data: [1])
        try ledger.admit(try check(signed), .getRun, body: body, now: now)
        let last = now + 309.8
        let signature = try check(signed, now: last)
        #expect(throws: FleetFailure.self) { try ledger.admit(signature, .getFAB, body: body, now: last) }
    }

    @Test func memoryIsBounded() throws {
        var ledger = CallLedger(limits: .init(all: 5, perKey: 3))
        let body = SHA256.hash(data: [1])
        func signature(_ key: P384.Signing.PrivateKey, _ time: Double) throws -> CallSignature {
            let signed = try headers(key, at: time)
            return try check(signed, now: time)
        }
        let other = P384.Signing.PrivateKey()
        for second in 0..<3 {
            try ledger.admit(try signature(key, now + Double(second)), .getRun, body: body, now: now)
        }
        #expect(throws: FleetFailure.self) {
            try ledger.admit(try signature(key, now + 3), .getRun, body: body, now: now)
        }
        for second in 0..<2 {
            try ledger.admit(try signature(other, now + Double(second)), .getRun, body: body, now: now)
        }
        let full = #expect(throws: FleetFailure.self) {
            try ledger.admit(try signature(P384.Signing.PrivateKey(), now), .getRun, body: body, now: now)
        }
        #expect(full?.status == 503)
        let later = now + 311
        #expect(try ledger.admit(try signature(key, later), .getRun, body: body, now: later) == false)
    }
}
