import Fleet
import Foundation
import Testing

/// Streams, faults by their causes, retries, proxies.
@Suite struct HTTPSClientTests {
    let pki: TestPKI

    init() throws { pki = try TestPKI.shared.get() }

    /// A sink that remembers how often it was begun.
    actor Recorder: ByteSink {
        var bytes: [UInt8] = []
        var begun = 0
        func restart(length: Int64?) {
            bytes = []
            begun += 1
        }
        func write(_ more: [UInt8]) { bytes += more }
    }

    /// Sends back what it got.
    static let mirror = ClosureHandler { request in
        Response(
            headers: [("content-type", "application/protobuf")],
            body: .bytes(try await request.body.collect(upTo: 16 << 20)))
    }
    static let mirrorRoute = [Route(.post, "/v1/fleet/mirror", largestBody: 16 << 20, handler: mirror)]

    @Test func bytesGoUpAndDownUnchangedAndAreMetered() async throws {
        let traffic = TestServer.Log<Traffic>()
        let message = noise(3_000_001, seed: 3)
        try await TestServer.run(tls: pki.serverTLS, routes: Self.mirrorRoute) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice), meter: { traffic.append($0) }) {
                client in
                let sink = Recorder()
                let reply = try await client.post(
                    "/v1/fleet/mirror", headers: [("flwr-timestamp", "now")], body: MemorySource(message), into: sink)
                #expect(reply.status == 200)
                #expect(reply.headers.contains { $0.name == "content-type" && $0.value == "application/protobuf" })
                let same = await sink.bytes == message
                #expect(same)
                let empty = try await client.post("/v1/fleet/mirror", [], answerUpTo: 0)
                #expect(empty.isEmpty)
            }
        }
        #expect(
            traffic.all == [
                Traffic(path: "/v1/fleet/mirror", attempt: 1, sent: 3_000_001, received: 3_000_001, status: 200),
                Traffic(path: "/v1/fleet/mirror", attempt: 1, sent: 0, received: 0, status: 200),
            ])
    }

    @Test func anotherCertificateIsShownFromTheNextCallOn() async throws {
        let who = [
            Route(
                .post, "/v1/fleet/who", largestBody: 0,
                handler: ClosureHandler { Response(body: .bytes(Array(($0.peer?.name ?? "").utf8))) })
        ]
        try await TestServer.run(tls: pki.serverTLS, routes: who) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { client in
                #expect(try await client.post("/v1/fleet/who", [], answerUpTo: 99) == Array("alice".utf8))
                try client.present(pki.authority.leaf("bob", .client).identity())
                #expect(try await client.post("/v1/fleet/who", [], answerUpTo: 99) == Array("bob".utf8))
            }
        }
    }

    @Test func filesAndStreamsAreServed() async throws {
        let content = noise(1_000_000, seed: 4)
        let file = FileManager.default.temporaryDirectory.appending(path: "fleet-\(UUID().uuidString)")
        try Data(content).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let path = file.path
        let routes = [
            Route(
                .post, "/v1/fleet/file", largestBody: 0,
                handler: ClosureHandler { _ in
                    Response(body: .source(try FileSource(path: path, range: 1000..<900_000)))
                }),
            Route(
                .post, "/v1/fleet/stream", largestBody: 0,
                handler: ClosureHandler { _ in
                    let (stream, more) = AsyncThrowingStream.makeStream(of: [UInt8].self, throwing: (any Error).self)
                    for start in stride(from: 0, to: content.count, by: 100_000) {
                        more.yield(Array(content[start..<start + 100_000]))
                    }
                    more.finish()
                    return Response(body: .stream(stream))
                }),
        ]
        try await TestServer.run(tls: pki.serverTLS, routes: routes) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { client in
                let part = try await client.post("/v1/fleet/file", [], answerUpTo: 1 << 20)
                #expect(part == Array(content[1000..<900_000]))
                let all = try await client.post("/v1/fleet/stream", [], answerUpTo: 1 << 20)
                #expect(all == content)
                await #expect(throws: TransportError.bodyTooLarge(limit: 1000)) {
                    try await client.post("/v1/fleet/file", [], answerUpTo: 1000)
                }
                await #expect(throws: TransportError.bodyTooLarge(limit: 1000)) {
                    try await client.post("/v1/fleet/stream", [], answerUpTo: 1000)
                }
            }
        }
    }

    @Test func anAnswerThatFailsHalfWayIsNotWhole() async throws {
        struct Failure: Error {}
        let handler = ClosureHandler { _ in
            let (stream, more) = AsyncThrowingStream.makeStream(of: [UInt8].self, throwing: (any Error).self)
            more.yield([1, 2, 3])
            more.finish(throwing: Failure())
            return Response(body: .stream(stream))
        }
        try await TestServer.run(
            tls: pki.serverTLS, routes: [Route(.post, "/v1/fleet/x", largestBody: 0, handler: handler)]
        ) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { client in
                let error = await #expect(throws: TransportError.self) {
                    try await client.post("/v1/fleet/x", [], answerUpTo: 100)
                }
                guard case .cut = error else { return unexpected(error) }
            }
        }
    }

    @Test func sourcesAndSinksFailAsThemselves() async throws {
        struct Failure: Error {}
        struct Broken: ByteSource, ByteSink {
            let length: Int64 = 600_000
            func read(_ range: Range<Int64>) throws -> [UInt8] {
                if range.lowerBound > 0 { throw Failure() }
                return [UInt8](repeating: 0, count: range.count)
            }
            func restart(length: Int64?) throws { throw Failure() }
            func write(_ bytes: [UInt8]) {}
        }
        try await TestServer.run(tls: pki.serverTLS, routes: Self.mirrorRoute) { [pki] server in
            var settings = try pki.clientSettings(pki.alice)
            settings.retry = RetryPolicy()
            try await withClient(server.address(), settings) { client in
                await #expect(throws: Failure.self) {
                    try await client.post("/v1/fleet/mirror", body: Broken(), into: MemorySink(limit: 1 << 20))
                }
                await #expect(throws: Failure.self) {
                    try await client.post("/v1/fleet/mirror", body: MemorySource([1]), into: Broken())
                }
                await #expect(throws: FileSourceError.self) {
                    try await client.post(
                        "/v1/fleet/mirror", body: FileSource(path: "/nowhere"), into: MemorySink(limit: 1))
                }
            }
        }
    }

    @Test func aLargeRefusedUploadGetsItsAnswer() async throws {
        struct Endless: ByteSource {
            let length: Int64 = 10_000_000_000
            func read(_ range: Range<Int64>) -> [UInt8] { [UInt8](repeating: 1, count: range.count) }
        }
        let traffic = TestServer.Log<Traffic>()
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice), meter: { traffic.append($0) }) {
                client in
                let error = await #expect(throws: TransportError.self) {
                    try await client.post("/v1/fleet/push-object", body: Endless(), into: MemorySink(limit: 1))
                }
                guard case .answered(let refusal) = error else { return unexpected(error) }
                #expect(refusal.status == 413)
                _ = try await client.echo()
            }
        }
        #expect(traffic.all.first!.sent < 100 << 20)
    }

    // MARK: Causes

    private func error(_ address: String, _ settings: HTTPSClient.Settings) async throws -> TransportError? {
        try await withClient(ServerAddress(address), settings) { client in
            await #expect(throws: TransportError.self) { try await client.echo() }
        }
    }

    @Test func faultsAreToldByTheirCauses() async throws {
        let settings = try pki.clientSettings(pki.alice)
        let unresolved = try await error("https://no-such-host.invalid:8443", settings)
        #expect(unresolved == .unresolved(host: "no-such-host.invalid"))

        let free = try await TestServer.run(tls: nil) { $0.port }
        let refused = try await error("https://127.0.0.1:\(free)", settings)
        #expect(refused == .refused(host: "127.0.0.1", port: free))

        try await TestServer.run(tls: nil) { server in
            let plain = try await self.error("https://127.0.0.1:\(server.port)", settings)
            guard case .handshake(_, let reason) = plain else { return unexpected(plain) }
            #expect(reason.contains("does not speak TLS"))
        }
    }

    @Test func theServersCertificateIsToldByItsFault() async throws {
        let authority = pki.authority
        let settings = try pki.clientSettings(pki.alice)
        func error(_ leaf: TestAuthority.Leaf, host: String = "127.0.0.1") async throws -> TransportError? {
            let tls = try HTTPSServer.TLS(identity: leaf.identity(), clientRoots: authority.roots())
            return try await TestServer.run(tls: tls) { server in
                try await self.error("https://\(host):\(server.port)", settings)
            }
        }
        let inspected = try await error(TestAuthority(name: "Guardian Inspection").leaf("localhost", .server))
        guard case .unknownAuthority(_, let shown?) = inspected else {
            return unexpected(inspected)
        }
        #expect(shown.contains("Guardian Inspection sites"), "\(shown)")
        #expect(inspected!.description.contains("inspects TLS"))

        let expired = try await error(authority.leaf("localhost", .server, from: -100, to: -50))
        guard case .serverCertificateExpired = expired else { return unexpected(expired) }
        let early = try await error(authority.leaf("localhost", .server, from: 500))
        guard case .serverCertificateNotYetValid = early else { return unexpected(early) }
        let misnamed = try await error(
            authority.leaf("other", .server, names: ["other.example"], addresses: []), host: "localhost")
        guard case .wrongServerName(_, let names?) = misnamed else {
            return unexpected(misnamed)
        }
        #expect(names.contains("other.example"))
    }

    @Test func handlersRefusalsArriveAsTheyAre() async throws {
        let handler = ClosureHandler { request in
            throw Refusal(status: Int(request.headers["X-Status"]!)!, code: 2001, detail: "because")
        }
        try await TestServer.run(
            tls: pki.serverTLS, routes: [Route(.post, "/v1/fleet/x", largestBody: 9, handler: handler)]
        ) { [pki] server in
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { client in
                for status in [400, 401, 403, 412, 503] {
                    let error = await #expect(throws: TransportError.self) {
                        try await client.post(
                            "/v1/fleet/x", headers: [("x-status", "\(status)")], [1], answerUpTo: 1, retry: .never)
                    }
                    let refusal = Refusal(status: status, code: 2001, detail: "because")
                    #expect(error == ([401, 403].contains(status) ? .denied(refusal) : .answered(refusal)))
                }
            }
        }
    }

    @Test func aServerThatDoesNotAnswerIsGivenUp() async throws {
        let handler = ClosureHandler { _ in
            try await Task.sleep(for: .seconds(30))
            return Response()
        }
        try await TestServer.run(
            tls: pki.serverTLS, routes: [Route(.post, "/v1/fleet/x", largestBody: 9, handler: handler)]
        ) { [pki] server in
            var settings = try pki.clientSettings(pki.alice)
            settings.readTimeout = .seconds(1)
            try await withClient(server.address(), settings) { client in
                let error = await #expect(throws: TransportError.self) {
                    try await client.post("/v1/fleet/x", [1], answerUpTo: 1)
                }
                #expect(error == .timedOut(during: "waiting for the answer", host: "127.0.0.1"))
            }
        }
    }

    @Test func aLongUploadIsNotCutByTheReadTimeout() async throws {
        struct Slow: ByteSource {
            let length: Int64 = 6 << 20
            func read(_ range: Range<Int64>) async throws -> [UInt8] {
                try await Task.sleep(for: .milliseconds(150))
                return [UInt8](repeating: 1, count: range.count)
            }
        }
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            var settings = try pki.clientSettings(pki.alice)
            settings.connectTimeout = .seconds(1)
            settings.readTimeout = .seconds(1)
            try await withClient(server.address(), settings) { client in
                let reply = try await client.post("/v1/fleet/push-object", body: Slow(), into: MemorySink(limit: 100))
                #expect(reply.status == 200)
            }
        }
    }

    // MARK: Retries

    @Test func cutConnectionsAreTriedAgainUntilAllIsWhole() async throws {
        let message = noise(2_000_000, seed: 5)
        let traffic = TestServer.Log<Traffic>()
        try await TestServer.run(tls: pki.serverTLS, routes: Self.mirrorRoute) { [pki] server in
            // Within the handshake, the head, the upload, the answer; every fourth connection is let live.
            let cut: @Sendable (Int) -> Int? = { number in
                var random = SplitMix(state: UInt64(number))
                return number % 4 == 0 ? nil : Int.random(in: 0..<4_200_000, using: &random)
            }
            try await TestRelay.run(.cutting(to: server.port, after: cut)) { relay in
                var settings = try pki.clientSettings(pki.alice)
                settings.retry = RetryPolicy(firstPause: .milliseconds(1), longestPause: .milliseconds(5))
                let address = try ServerAddress("https://127.0.0.1:\(relay.port)")
                for _ in 0..<10 {
                    try await withClient(address, settings, meter: { traffic.append($0) }) { client in
                        let sink = Recorder()
                        _ = try await client.post("/v1/fleet/mirror", body: MemorySource(message), into: sink)
                        let same = await sink.bytes == message
                        #expect(same)
                    }
                }
            }
        }
        #expect(traffic.all.filter { $0.status == 200 && $0.received == 2_000_000 }.count >= 10)
        #expect(traffic.all.contains { $0.attempt > 1 })
        #expect(traffic.all.contains { $0.status == 200 && $0.received < 2_000_000 }, "none was cut in its answer")
        #expect(traffic.all.contains { $0.sent > 0 && $0.status == nil }, "none was cut in its upload")
    }

    @Test func aRestartedServerIsFoundAgain() async throws {
        let port = try await TestServer.run(tls: pki.serverTLS) { $0.port }
        var settings = try pki.clientSettings(pki.alice)
        settings.retry = RetryPolicy(firstPause: .milliseconds(50), within: .seconds(600))
        try await withClient(ServerAddress("https://127.0.0.1:\(port)"), settings) { [pki] client in
            // The server is there until it has answered, however slow the machine is.
            for pause in [500, 300] {
                let call = Task { try await client.echo() }
                try await Task.sleep(for: .milliseconds(pause))
                let answer = try await TestServer.run(tls: pki.serverTLS, port: port) { _ in try await call.value }
                #expect(answer.hasPrefix("alice 3"))
            }
        }
    }

    @Test func unavailableIsTriedAgainAndOthersAreNot() async throws {
        let calls = TestServer.Log<[UInt8]>()
        let handler = ClosureHandler { request in
            calls.append(try await request.body.collect())
            let status = [503, 502, 504, 200, 400, 200][calls.all.count - 1]
            return status == 200 ? Response() : Response(Refusal(status: status, detail: "not now"))
        }
        try await TestServer.run(
            tls: pki.serverTLS, routes: [Route(.post, "/v1/fleet/x", largestBody: 9, handler: handler)]
        ) { [pki] server in
            var settings = try pki.clientSettings(pki.alice)
            settings.retry = RetryPolicy(firstPause: .milliseconds(1))
            try await withClient(server.address(), settings) { client in
                _ = try await client.post("/v1/fleet/x", [4, 5], answerUpTo: 0)
                #expect(calls.all == Array(repeating: [4, 5], count: 4))
                await #expect(throws: TransportError.answered(Refusal(status: 400, detail: "not now"))) {
                    try await client.post("/v1/fleet/x", [4, 5], answerUpTo: 0)
                }
                #expect(calls.all.count == 5)
            }
        }
    }

    @Test func retriesEndAtTheDeadline() async throws {
        let port = try await TestServer.run(tls: nil) { $0.port }
        var settings = HTTPSClient.Settings(roots: nil)
        settings.retry = RetryPolicy(firstPause: .milliseconds(20), within: .seconds(1))
        let began = ContinuousClock.now
        let error = try await error("http://127.0.0.1:\(port)", settings)
        #expect(error == .refused(host: "127.0.0.1", port: port))
        // More than one attempt, and not for ever.
        #expect(ContinuousClock.now - began >= .milliseconds(20))
    }

    // MARK: Proxies

    @Test func aProxyIsPassedWithCredentials() async throws {
        let credentials = Data("hospital:s3cret/:".utf8).base64EncodedString()
        try await TestServer.run(tls: pki.serverTLS) { [pki] server in
            try await TestRelay.run(.proxy(authorization: credentials)) { relay in
                var settings = try pki.clientSettings(pki.alice)
                settings.proxy = try Proxy("http://hospital:s3cret%2F%3A@127.0.0.1:\(relay.port)")
                try await withClient(server.address(), settings) { client in
                    let answer = try await client.echo()
                    #expect(answer == TestServer.expectedEcho("alice", [1, 2, 3]))
                }
                #expect(relay.requests.all.first!.hasPrefix("CONNECT 127.0.0.1:\(server.port) HTTP/1.1\r\n"))

                settings.proxy = Proxy(host: "127.0.0.1", port: relay.port, name: "hospital", password: "wrong")
                let error = try await self.error(server.address().description, settings)
                guard case .proxy(let text) = error else { return unexpected(error) }
                #expect(text.contains("credentials") && !text.contains("wrong"))

                // What stands behind an inspecting proxy is shown through it too.
                settings.proxy = try Proxy("hospital:s3cret%2F%3A@127.0.0.1:\(relay.port)")
                settings.roots = try TestAuthority(name: "Other").roots()
                let inspected = try await self.error(server.address().description, settings)
                guard case .unknownAuthority(_, let shown?) = inspected else {
                    return unexpected(inspected)
                }
                #expect(shown.contains("Test federation sites"))
            }
        }
    }

    @Test func aProxyThatRefusesIsNamed() async throws {
        try await TestRelay.run(.refusing(status: "403 Forbidden")) { relay in
            var settings = try pki.clientSettings(pki.alice)
            settings.proxy = Proxy(host: "127.0.0.1", port: relay.port)
            let error = try await self.error("https://fleet.example:8443", settings)
            guard case .proxy(let text) = error else { return unexpected(error) }
            #expect(text.contains("does not let calls through to fleet.example, port 8443"))
        }
    }
}
