import Fleet
import Testing

/// Proxies and addresses as people write them.
@Suite struct ProxyTests {
    @Test func theEnvironmentIsRead() throws {
        let server = try ServerAddress("https://fleet.example.org:8443/")
        func proxy(_ environment: [String: String]) throws -> Proxy? {
            try Proxy.from(environment: environment, to: server)
        }
        let expected = Proxy(host: "proxy.hospital", port: 3128)
        #expect(try proxy([:]) == nil)
        #expect(try proxy(["HTTPS_PROXY": ""]) == nil)
        #expect(try proxy(["HTTPS_PROXY": "http://proxy.hospital:3128/"]) == expected)
        #expect(try proxy(["https_proxy": "proxy.hospital:3128", "HTTPS_PROXY": "http://other"]) == expected)
        #expect(try proxy(["HTTPS_PROXY": "http://[fd00::1]:99"]) == Proxy(host: "fd00::1", port: 99))
        for exception in [
            "*", "example.org", ".example.org", "*.example.org", "a, FLEET.example.org", "example.org:8443",
        ] {
            #expect(try proxy(["HTTPS_PROXY": "http://p", "NO_PROXY": exception]) == nil, "\(exception)")
        }
        for exception in ["ample.org", "example.com", "example.org:443", "10.0.0.0/8", "fleet"] {
            #expect(try proxy(["HTTPS_PROXY": "http://p", "no_proxy": exception]) != nil, "\(exception)")
        }
    }

    @Test func networksAreExcepted() throws {
        let server = try ServerAddress("https://10.1.2.3:8443")
        for (exception, applies) in [
            ("10.0.0.0/8", true), ("10.1.2.3", true), ("10.1.2.0/24", true), ("10.1.3.0/24", false),
            ("0.0.0.0/0", true),
            ("10.0.0.0/33", false), ("fd00::/8", false),
        ] {
            let proxy = try Proxy.from(environment: ["HTTPS_PROXY": "http://p", "NO_PROXY": exception], to: server)
            #expect((proxy == nil) == applies, "\(exception)")
        }
        let own = try ServerAddress("https://localhost")
        #expect(try Proxy.from(environment: ["HTTPS_PROXY": "http://p"], to: own) == nil)
    }

    @Test func credentialsAreReadAndNeverShown() throws {
        let proxy = try Proxy("http://me%40home:p%3Ass@proxy:8080")
        #expect(proxy == Proxy(host: "proxy", port: 8080, name: "me@home", password: "p:ss"))
        #expect("\(proxy)" == "proxy:8080 with credentials")
        #expect(!String(reflecting: proxy).contains("p:ss") && !"\([proxy])".contains("p:ss"))
        var dumped = ""
        dump(proxy, to: &dumped)
        #expect(!dumped.contains("p:ss"))
    }

    @Test(arguments: ["https://proxy:3128", "socks5://p", "http://", "http://a:70000", "http://u:%zz@p", "http://a b"])
    func aProxyThatCannotBeUsedIsAnError(_ text: String) {
        let error = #expect(throws: TransportError.self) { try Proxy(text) }
        guard case .proxySetting = error else { return unexpected(error) }
    }

    @Test func addressesAreRead() throws {
        #expect(try ServerAddress("https://fleet.example.org").port == 443)
        #expect(try ServerAddress("HTTPS://[::1]:9").description == "https://[::1]:9")
        #expect(try ServerAddress("http://127.0.0.1:8080").scheme == .http)
        for text in [
            "fleet.example.org", "ftp://x", "https://", "https://a/b", "https://a:0", "https://u@a", "https://a:b",
        ] {
            #expect(throws: TransportError.self, "\(text)") { try ServerAddress(text) }
        }
    }

    @Test func keysAreNeverShown() throws {
        let leaf = try TestPKI.shared.get().alice
        let identity = try leaf.identity()
        var dumped = "\(identity) \(String(reflecting: identity))"
        dump(identity, to: &dumped)
        #expect(!dumped.contains("PRIVATE") && !dumped.lowercased().contains("key"))
        for (chain, key) in [
            ("", try leaf.keyPEM()), (try leaf.pem(), "no key"), (try leaf.keyPEM(), try leaf.keyPEM()),
        ] {
            #expect(throws: TransportError.self) { try TLSIdentity(certificateChain: chain, privateKey: key) }
        }
    }
}
