import Crypto
import Fleet
import Foundation
import Testing

@Suite struct NodeKeyTests {
    /// Made by `ssh-keygen -t ecdsa -b 384`, and by `ssh-keygen -e -m PKCS8` of the same key.
    static let openSSH =
        "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBK0z3OAogLlMaHnhFlIYm4v53mtsl8Qn"
        + "Wmh37cofYppT2f3Mm+oNnEzd/K0yBmtTGZ5d0Kjx3tWCVNz07A8V8KNxCZO9zEkJRTAUa0vuQq4LFN0xtADqPeD4h60VZU2blA== node@hospital"
    static let pem = """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAErTPc4CiAuUxoeeEWUhibi/nea2yXxCda
        aHftyh9imlPZ/cyb6g2cTN38rTIGa1MZnl3QqPHe1YJU3PTsDxXwo3EJk73MSQlF
        MBRrS+5CrgsU3TG0AOo94PiHrRVlTZuU
        -----END PUBLIC KEY-----

        """

    @Test func openSSHsFormAndPEMAreTheSameKey() throws {
        let key = try SigningKey(text: Self.pem)
        #expect(try SigningKey(text: Self.openSSH) == key)
        #expect(try SigningKey(text: Self.openSSH.split(separator: " ")[..<2].joined(separator: " ")) == key)
    }

    @Test func whatIsNoPublicKeyOfP384IsRefused() throws {
        let words = Self.openSSH.split(separator: " ").map(String.init)
        let blob = [UInt8](Data(base64Encoded: words[1])!)
        var texts = ["", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384 AAAA", "nonsense"]
        texts += [1, 4, 23, 60, blob.count - 1].map { "\(words[0]) " + Data(blob[..<$0]).base64EncodedString() }
        texts.append("\(words[0]) " + Data(blob + [0, 0, 0, 9]).base64EncodedString())
        texts.append(P256.Signing.PrivateKey().publicKey.pemRepresentation)
        for text in texts { #expect(throws: FleetError.self, "\(text)") { try SigningKey(text: text) } }
        #expect {
            try SigningKey(text: P384.Signing.PrivateKey().pemRepresentation)
        } throws: { "\($0)".contains("private key") }
    }

    private let folder: TemporaryFolder
    private let keys: NodeKeyFolder
    private let first = SigningKey(P384.Signing.PrivateKey().publicKey)
    private let second = SigningKey(P384.Signing.PrivateKey().publicKey)
    private let a = SiteName("a")!
    private let b = SiteName("b")!

    init() throws {
        folder = try TemporaryFolder()
        keys = NodeKeyFolder(folder.url.appending(path: "nodes"))
    }

    @Test func aKeyHasOneNameAndANameOneKey() throws {
        #expect(keys.names.isEmpty && keys.name(of: first) == nil)
        try keys.register(first, as: a)
        try keys.register(first, as: a)
        #expect(throws: FleetError.self) { try keys.register(first, as: b) }
        #expect(throws: FleetError.self) { try keys.register(second, as: a) }
        #expect(keys.name(of: first) == a && keys.key(of: a) == first && keys.key(of: b) == nil)
        #expect(try keys.unregister(a))
        #expect(try !keys.unregister(a))
        try keys.register(second, as: a)
        #expect(keys.name(of: first) == nil && keys.name(of: second) == a)
    }

    @Test func aKeyCountsOnlyWhileARunNamesItsNode() throws {
        let admission = NodeAdmission(keys)
        #expect(!admission.hasKeys && admission.failure(first)?.status == 401)
        try keys.register(first, as: a)
        try keys.register(second, as: b)
        // A stock node tries again on 503: it may be started before its run.
        #expect(admission.hasKeys && admission.failure(first)?.status == 503)
        admission.open(to: [a])
        #expect(admission.failure(first) == nil && admission.failure(second)?.status == 503)
        _ = try keys.unregister(a)
        #expect(admission.failure(first)?.status == 401)
        try keys.register(first, as: a)
        admission.close()
        #expect(admission.failure(first)?.status == 503)
    }

    /// Over HTTP: with the next call, and with a line in the audit log.
    @Test func aServerLooksAtEveryCall() async throws {
        let (folder, keys, a) = (folder.url, keys, a)
        let service = try FleetService(folder.appending(path: "server"), settings: .init(keys: .registered))
        let admission = NodeAdmission(keys)
        let endpoint = FleetEndpoint(service, refusal: { admission.failure($0) })
        try await TestServer.run(tls: nil, routes: endpoint.routes) { server in
            let key = P384.Signing.PrivateKey()
            var settings = HTTPSClient.Settings(roots: nil)
            settings.retry = .never
            let connection = try HTTPSClient(
                server: ServerAddress("http://127.0.0.1:\(server.port)"), settings: settings)
            let client = FleetClient(connection, key: key)
            func status() async -> Int? {
                do {
                    _ = try await client.activate(heartbeat: 30)
                    return nil
                } catch { return FleetClient.status(of: error) }
            }
            #expect(await status() == 401)
            #expect(server.audited.all.map(\.status) == [401])
            #expect(server.audited.all.first?.route == "/v1/fleet/activate-node")
            try keys.register(SigningKey(key.publicKey), as: a)
            #expect(await status() == 503)
            try await service.replaceKey(SigningKey(key.publicKey), of: a)
            admission.open(to: [a])
            #expect(await status() == nil)
            _ = try keys.unregister(a)
            #expect(await status() == 401)
            try await connection.close()
            #expect(server.audited.all.map(\.status) == [401, 401])
        }
    }

    /// What the server's people say of a name counts, and not what it was.
    @Test func aNewKeyTakesTheNameOver() async throws {
        let service = try FleetService(folder.url.appending(path: "server"), settings: .init(keys: .registered))
        try await service.replaceKey(first, of: a)
        let old = try #require(await service.nodes.first?.id)
        try await service.replaceKey(first, of: a)
        #expect(await service.nodes.map(\.id) == [old])
        try await service.replaceKey(second, of: a)
        let nodes = await service.nodes.filter { $0.status != .unregistered }
        #expect(nodes.count == 1 && nodes[0].id != old && nodes[0].name == a)
        // And a key that had another name has this one.
        try await service.replaceKey(second, of: b)
        #expect(await service.nodes.filter { $0.status != .unregistered }.map(\.name) == [b])
    }

    @Test func whatAnEarlierRunLeftOpenIsClosed() async throws {
        let service = try FleetService(folder.url.appending(path: "server"), settings: .init(keys: .registered))
        try await service.replaceKey(first, of: a)
        let node = try #require(await service.nodes.first?.id)
        for run in [1, 2] as [UInt64] { try await service.open(FleetRun(id: run)) }
        try await service.closeRuns(besides: 2)
        let question = { FleetService.Question(key: "k", runID: $0, type: "train") }
        await #expect(throws: FleetError.self) { try await service.send(question(1), to: node) { RecordDict() } }
        _ = try await service.send(question(2), to: node) { RecordDict() }
    }
}
