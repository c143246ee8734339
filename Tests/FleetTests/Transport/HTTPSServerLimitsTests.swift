import Fleet
import Foundation
import Testing

/// What one caller can take of the server: bodies, time, connections.
@Suite(.serialized) struct HTTPSServerLimitsTests {
    @Test func onlyTheTablesPathsExist() async throws {
        try await TestServer.run(tls: nil) { server in
            let answers = try await blocking {
                try [
                    "GET /health", "GET /", "GET /v1/fleet/push-object", "POST /v1/fleet/", "POST /v1/fleet/other",
                    "POST /v1/fleet/../enrol", "POST /v1/fleet/%70ush-object", "POST //v1/enrol", "POST /v1/enrol/",
                    "PUT /v1/enrol", "POST http://x/v1/enrol", "OPTIONS *", "HEAD /health",
                ].map { line in
                    let socket = try RawSocket(port: server.port)
                    socket.send("\(line) HTTP/1.1\r\nhost: x\r\n\r\n")
                    return "\(line): " + socket.receive().prefix(12)
                }
            }
            for answer in answers { #expect(answer.hasSuffix("HTTP/1.1 404"), "\(answer)") }
            #expect(server.audited.all.count == answers.count)
        }
    }

    @Test func sitesPortTakesNoOtherRoutes() async throws {
        for (method, path) in [
            (Route.Method.get, "/v1/enrol"), (.post, "/health"), (.post, "/v1/fleet/"), (.post, "/v1/fleet/a/b"),
            (.post, "/v1/fleet/-a"), (.post, "/v1/control/start-run"),
        ] {
            let route = Route(method, path, largestBody: 0, handler: TestServer.echo)
            await #expect(throws: TransportError.self, "\(path)") {
                try await TestServer.run(tls: nil, routes: [route]) { _ in }
            }
        }
    }

    @Test func plainHTTPIsForTheLoopbackAddressAlone() throws {
        let policy = AccessPolicy(
            identify: { try Peer(certificate: $0) }, refusal: { _ in nil }, allowsAnonymous: { _ in true })
        for host in ["0.0.0.0", "192.168.0.1", "::", "example.org", "127.example.org"] {
            let settings = HTTPSServer.Settings(host: host, port: 0, tls: nil, audience: .sites)
            #expect(throws: TransportError.plainHTTP(host)) {
                _ = try HTTPSServer(settings, routes: [], policy: policy, audit: { _ in })
            }
        }
        #expect(throws: TransportError.plainHTTP("10.0.0.1")) { try ServerAddress("http://10.0.0.1:80") }
    }

    /// 10 GB are declared and sent as fast as they go; the answer comes, and the connection ends within its bounds.
    @Test func tenGigabytesAreRefusedAtOnce() async throws {
        try await TestServer.run(tls: nil) { server in
            let (sent, answer) = try await blocking {
                let socket = try RawSocket(port: server.port)
                socket.send("POST /v1/fleet/push-object HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000000\r\n\r\n")
                let piece = [UInt8](repeating: 7, count: 1 << 20)
                var sent = 0
                while sent < 1000, socket.send(piece) { sent += 1 }
                return (sent, socket.receive())
            }
            // The refusal was sent before anything was read; with so much unread a reset may overtake it here.
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 413"))
            #expect(sent < 40, "\(sent) MB were taken")
            #expect(server.audited.all.map(\.status) == [413])
        }
    }

    @Test func aRefusedCallerThatListensGetsItsAnswer() async throws {
        try await TestServer.run(tls: nil) { server in
            let (sent, answer) = try await blocking {
                let socket = try RawSocket(port: server.port)
                socket.send("POST /v1/fleet/push-object HTTP/1.1\r\nhost: x\r\ncontent-length: 17000000\r\n\r\n")
                var sent = 0
                for _ in 0..<3 {
                    usleep(100_000)  // long after the answer
                    if socket.send([UInt8](repeating: 7, count: 1 << 20)) { sent += 1 }
                }
                return (sent, socket.receive())
            }
            #expect(sent == 3, "the connection was reset")
            #expect(answer.hasPrefix("HTTP/1.1 413") && answer.contains("connection: close"))
            #expect(answer.contains(#""detail":"The message is larger than the 16777216 bytes"#), "\(answer)")
        }
    }

    @Test func aBodyOfUnknownLengthEndsAtTheLimit() async throws {
        try await TestServer.run(tls: nil) { server in
            let answer = try await blocking {
                let socket = try RawSocket(port: server.port)
                socket.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
                for _ in 0..<100 where !socket.send("400\r\n" + String(repeating: "a", count: 1024) + "\r\n") { break }
                return socket.receive()
            }
            #expect(answer.hasPrefix("HTTP/1.1 413"), "\(answer)")
        }
    }

    @Test func aChunkedBodyWithinTheLimitIsWhole() async throws {
        try await TestServer.run(tls: nil) { server in
            let answer = try await blocking {
                let socket = try RawSocket(port: server.port)
                socket.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
                socket.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                return socket.receive(until: "nobody")
            }
            #expect(answer.contains(TestServer.expectedEcho("nobody", Array("abcde".utf8))), "\(answer)")
        }
    }

    @Test func aBodyThatEndsEarlyIsNoBody() async throws {
        let handled = TestServer.Log<Int>()
        let handler = ClosureHandler { request in
            handled.append(try await request.body.collect().count)
            return Response()
        }
        try await TestServer.run(tls: nil, routes: [Route(.post, "/v1/enrol", largestBody: 100, handler: handler)]) {
            server in
            for head in ["content-length: 50\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n10\r\nabc"] {
                let answer = try await blocking {
                    let socket = try RawSocket(port: server.port)
                    socket.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\n" + head)
                    socket.finish()
                    return socket.receive()
                }
                #expect(!answer.contains("200"), "\(answer)")
            }
            #expect(handled.all.isEmpty)
        }
    }

    @Test func aCallerMayAskBeforeItSends() async throws {
        try await TestServer.run(tls: nil) { server in
            let (leave, answer, refusal) = try await blocking {
                let socket = try RawSocket(port: server.port)
                socket.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
                let leave = socket.receive(until: "\r\n\r\n")
                socket.send("abc")
                let answer = socket.receive(until: "nobody")
                let other = try RawSocket(port: server.port)
                other.send(
                    "POST /v1/enrol HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99999\r\n\r\n")
                return (leave, answer, other.receive())
            }
            #expect(leave.hasPrefix("HTTP/1.1 100 Continue"))
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(refusal.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test func anUnreadBodyEndsTheConnection() async throws {
        let deaf = ClosureHandler { _ in Response(status: 200) }
        try await TestServer.run(
            tls: nil, routes: [Route(.post, "/v1/enrol", largestBody: 100 << 20, handler: deaf)]
        ) { server in
            let (small, large) = try await blocking {
                let socket = try RawSocket(port: server.port)
                // Small ones are read away, and the connection serves on.
                for _ in 0..<2 {
                    socket.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabcde")
                }
                var small = socket.receive(until: "\r\n\r\n")
                if small.split(separator: "HTTP/1.1 200").count < 2 { small += socket.receive(until: "\r\n\r\n") }
                let other = try RawSocket(port: server.port)
                other.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 90000000\r\n\r\n")
                other.send([UInt8](repeating: 1, count: 1 << 20))
                return (small, other.receive())
            }
            #expect(small.contains("keep-alive") && !small.contains("close"))
            #expect(large.hasPrefix("HTTP/1.1 200") && large.contains("connection: close"))
        }
    }

    @Test func slowCallersAreGivenUp() async throws {
        var limits = ServerLimits()
        limits.head = .seconds(1)
        limits.bodyGrace = .seconds(1)
        limits.slowestBody = 1000
        try await TestServer.run(tls: nil, limits: limits) { server in
            let (head, body, steady) = try await blocking {
                // A head that comes byte by byte.
                let head = try RawSocket(port: server.port)
                let began = Date()
                for byte in "POST /v1/enrol HTTP/1.1\r\nhost: xxxxxxxxxxx" where head.send(String(byte)) {
                    usleep(100_000)
                    if Date().timeIntervalSince(began) > 2 { break }
                }
                // A body that comes at 50 bytes a second.
                let body = try RawSocket(port: server.port)
                body.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n\r\n")
                for _ in 0..<25 where body.send("aaaaa") { usleep(100_000) }
                // One at 5000 bytes a second, for longer than the grace, is let be.
                let steady = try RawSocket(port: server.port)
                steady.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n\r\n")
                for _ in 0..<20 {
                    steady.send(String(repeating: "a", count: 500))
                    usleep(100_000)
                }
                return (head.receive(), body.receive(), steady.receive(until: "nobody"))
            }
            #expect(head.isEmpty)
            #expect(body.hasPrefix("HTTP/1.1 408"), "\(body)")
            #expect(steady.hasPrefix("HTTP/1.1 200"), "\(steady)")
        }
    }

    /// The server's own slowness is not the caller's: a handler may take longer than the body's time.
    @Test func aSlowHandlerIsNoSlowCaller() async throws {
        var limits = ServerLimits()
        limits.bodyGrace = .seconds(1)
        limits.head = .seconds(1)
        let slow = ClosureHandler { request in
            var count = 0
            for try await chunk in request.body {
                if count == 0 { try await Task.sleep(for: .seconds(2)) }
                count += chunk.count
            }
            try await Task.sleep(for: .seconds(2))
            return Response(body: .bytes(Array("\(count)".utf8)))
        }
        try await TestServer.run(
            tls: nil, limits: limits, routes: [Route(.post, "/v1/enrol", largestBody: 8 << 20, handler: slow)]
        ) { server in
            let settings = HTTPSClient.Settings(roots: nil)
            try await withClient(server.address("http"), settings) { client in
                let answer = try await client.post("/v1/enrol", noise(4 << 20, seed: 1), answerUpTo: 100)
                #expect(String(decoding: answer, as: UTF8.self) == "\(4 << 20)")
            }
        }
    }

    @Test func anAnswerThatNobodyReadsIsGivenUp() async throws {
        struct Counted: ByteSource {
            let length: Int64 = 1 << 30
            let read = TestServer.Log<Int>()
            func read(_ range: Range<Int64>) -> [UInt8] {
                read.append(range.count)
                return [UInt8](repeating: 1, count: range.count)
            }
        }
        let source = Counted()
        let handler = ClosureHandler { _ in Response(body: .source(source)) }
        var limits = ServerLimits()
        limits.unreadAnswer = .seconds(1)
        try await TestServer.run(
            tls: nil, limits: limits, routes: [Route(.post, "/v1/enrol", largestBody: 0, handler: handler)]
        ) { server in
            let answer = try await blocking {
                let socket = try RawSocket(port: server.port)
                socket.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
                sleep(3)
                return socket.receive().utf8.count
            }
            #expect(answer < 64 << 20)
            // No more was made than the sockets hold.
            #expect(source.read.all.reduce(0, +) < 64 << 20)
        }
    }

    @Test func oneAddressHasOnlySoManyConnections() async throws {
        var limits = ServerLimits()
        limits.connectionsPerAddress = 10
        try await TestServer.run(tls: nil, limits: limits) { server in
            let answer = try await blocking {
                let held = try (0..<10).map { _ in try RawSocket(port: server.port) }
                held[9].send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
                _ = held[9].receive(until: "nobody")  // by now all of them are accepted
                let further = try RawSocket(port: server.port)
                further.send("POST /v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
                return withExtendedLifetime(held) { further.receive() }
            }
            #expect(answer.isEmpty)
            #expect(server.audited.all.map(\.reason) == ["too many connections from this address"])
            // They are gone now, and the next is served.
            try await Task.sleep(for: .milliseconds(300))
            try await withClient(server.address("http"), HTTPSClient.Settings(roots: nil)) {
                _ = try await $0.echo(path: "/v1/enrol")
            }
        }
    }

    @Test func shutdownLetsCallsEnd() async throws {
        let slow = ClosureHandler { _ in
            try await Task.sleep(for: .seconds(1))
            return Response(body: .bytes(Array("done".utf8)))
        }
        try await TestServer.run(tls: nil, routes: [Route(.post, "/v1/enrol", largestBody: 9, handler: slow)]) {
            server in
            try await withClient(server.address("http"), HTTPSClient.Settings(roots: nil)) { client in
                async let answer = client.echo(path: "/v1/enrol")
                try await Task.sleep(for: .milliseconds(300))
                try await server.server.shutdown()
                let text = try await answer
                #expect(text == "done")
                await #expect(throws: TransportError.self) { try await client.echo(path: "/v1/enrol", retry: .never) }
            }
        }
    }
}
