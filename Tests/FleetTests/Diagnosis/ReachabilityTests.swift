import Testing

import Fleet

@Suite struct ReachabilityTests {
    @Test func namesResolveOrAreNamed() async throws {
        #expect(try await NameLookup.addresses(of: "127.0.0.1") == ["127.0.0.1"])
        #expect(try await NameLookup.addresses(of: "localhost").contains { ["127.0.0.1", "::1"].contains($0) })
        await #expect(throws: TransportError.unresolved(host: "nowhere.invalid")) {
            try await NameLookup.addresses(of: "nowhere.invalid")
        }
    }

    @Test func aPortIsOpenOrClosed() async throws {
        let pki = try TestPKI.shared.get()
        let port = try await TestServer.run(tls: pki.serverTLS) { server in
            let time = try await PortCheck.connect(to: server.address())
            #expect(time < .seconds(5))
            let isFree = try await PortCheck.isFree(server.port)
            #expect(!isFree)
            return server.port
        }
        #expect(try await PortCheck.isFree(port))
        await #expect(throws: TransportError.refused(host: "127.0.0.1", port: port)) {
            try await PortCheck.connect(to: ServerAddress("https://127.0.0.1:\(port)"))
        }
        let proxy = Proxy(host: "127.0.0.1", port: port)
        await #expect(throws: TransportError.refused(host: "127.0.0.1", port: port)) {
            try await PortCheck.connect(to: ServerAddress("https://fl.example.org:8003"), through: proxy)
        }
    }

    @Test func theCertificateThatIsShownIsHandedOut() async throws {
        let pki = try TestPKI.shared.get()
        try await TestServer.run(tls: pki.serverTLS) { server in
            let shown = try await PresentedCertificate.fetch(
                from: server.address(), through: nil, timeout: .seconds(5))
            #expect(shown.certificates.count == 2)
        }
    }
}
