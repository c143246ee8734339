import Federation
import Fleet
import Foundation
import Provisioning
import Testing

extension Siege {
    func pathsThatAreNone() async throws {
        let long = "/" + String(repeating: "a", count: 60_000)
        let paths = [
            "/", "/health", "/metrics", "/v1/admin/status", "/v1/fleet/", "/v1/fleet/../admin/status", "/v1/control/x",
            "/v1/fleet/%2e%2e/admin/status", "/v1/enrol/../admin/status", "//etc/passwd", "/../../etc/passwd",
            "/v1/fleet/pull-object%00", "/v1/fleet/pull-messages/", "/V1/ENROL", "http://x/v1/admin/status", long,
        ]
        for identity in [try kit("mallory"), nil] {
            for method in ["GET", "POST"] {
                for path in paths {
                    let socket = try await TLSSocket(port: ports.sites, identity: identity, roots: authority)
                    await socket.send("\(method) \(path) HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
                    let answer = try await socket.receive()
                    let expected = path == long ? "HTTP/1.1 431" : "HTTP/1.1 404"
                    #expect(answer.hasPrefix(expected), "\(method) \(path.prefix(50)): \(answer.prefix(200))")
                    await socket.close()
                }
            }
        }
        try await expectAudit("a path") { $0.route == "/v1/admin/status" && $0.status == 404 && $0.peer == "mallory" }
        try await expectAudit("a head too long") { $0.status == 431 }
    }

    /// Of sites, runs, objects and downloads.
    func namesThatAreNone() async throws {
        let names = [
            "../x", "..", "/etc/passwd", "%2e%2e", "%2e%2e/x", "a/../../x", "a\0b", "a\\..\\x", "",
            String(repeating: "a", count: 5000),
        ]
        for name in names where !name.contains("\0") {
            let invited = try await run("provision", "invite", name, "--org", "O", "--server", folder("server").path)
            #expect(invited.status != 0, "\(name)")
        }
        let person = try kit("anna@example.org")
        func ask(_ path: String, _ body: [String: Any]) async throws -> Answer {
            try await call(path, Array(JSONSerialization.data(withJSONObject: body)), as: person, administration: true)
        }
        for name in names + ["state.json", "../1/state.json", "log.txt/", "./log.txt", "server/../log.txt"] {
            let file = try await ask("/v1/admin/file", ["run": 1, "path": name])
            #expect(file.status == 404, "\(name): \(file)")
        }
        for run in [0, -1, Int.max, Int.min] {
            let answer = try await ask("/v1/admin/files", ["run": run])
            #expect(answer.status == 404, "\(run): \(answer)")
        }
        for run in ["../1", "1/../2"] {
            let answer = try await ask("/v1/admin/logs", ["run": run])
            #expect(answer.status == 400, "\(run): \(answer)")
        }
        try await expectAudit("a download") {
            $0.peer == "anna@example.org" && $0.route == "/v1/admin/file" && $0.status == 404
        }
        for name in ["../x", "/etc", "a\\0b", String(repeating: "a", count: 5000)] {
            let text = "name: x\nsites:\n  - {name: \"\(name)\", dataset: 301}\n  - {name: b, dataset: 302}\n"
            let answer = try await ask("/v1/admin/submit", ["runFile": text])
            #expect(answer.status == 400, "\(name): \(answer)")
        }

        // Objects are named by their hashes, and by nothing else.
        let site = try kit("mallory")
        let good = FleetObjectName.none
        let body = try FleetCall.pullObject(1, ObjectID(good)!, runID: 1).body
        for name in ["../../../../journal.jsonl", "/etc/passwd", String(repeating: "g", count: 64), "%2e%2e%2f"] {
            // The name is the same length, so that the message around it stays whole.
            let padded = name.padding(toLength: 64, withPad: "/", startingAt: 0)
            var bytes = body
            for start in bytes.indices where bytes[start...].starts(with: Array(good.utf8)) {
                bytes.replaceSubrange(start..<start + 64, with: Array(padded.utf8))
            }
            #expect(bytes != body)
            let answer = try await call("/v1/fleet/pull-object", bytes, as: site)
            #expect(answer.status == 400, "\(name): \(answer)")
        }
        try await expectAudit("an object") {
            $0.peer == "mallory" && $0.route == "/v1/fleet/pull-object" && $0.status == 400
        }
    }

    /// A member with a certificate of its own claims to be a hospital of the run, or asks for what is that one's.
    func anothersName() async throws {
        let site = try kit("mallory")
        let connection = try client(site)
        let fleet = FleetClient(connection)
        try await fleet.register()
        let own = try await fleet.activate(heartbeat: 30)
        let (victim, messages) = try await victim()
        #expect(victim != own)

        let pem = Array(try kit("hospital_a").certificateChain().pem.utf8)
        // A key in the message is none of a certificate's: it is mallory's node that answers.
        #expect(await Self.call(connection, try .activateNode(publicKey: pem, heartbeatInterval: 30)).status == 200)
        let before = audit.filter { $0.peer == "mallory" && $0.status == 401 }.count
        let calls: [FleetCall] = [
            .pullMessages(victim), .sendNodeHeartbeat(victim, interval: 30), .deactivateNode(victim),
            .unregisterNode(victim), .getRun(victim, runID: 1),
            .pullObject(victim, messages[0], runID: 1), .confirmMessageReceived(victim, messages[0], runID: 1),
        ]
        for call in calls {
            let answer = await Self.call(connection, call)
            #expect(answer.status == 401, "\(call.method): \(answer)")
        }
        for _ in 0..<100 where audit.filter({ $0.peer == "mallory" && $0.status == 401 }).count < before + calls.count {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(audit.filter { $0.peer == "mallory" && $0.status == 401 }.count >= before + calls.count)

        // Under its own number, what is in another's messages is not there.
        for message in messages {
            let answer = await Self.call(connection, .pullObject(own, message, runID: 1))
            #expect(answer.status == 200 && answer.text.utf8.count < 16, "\(answer)")
        }
        try await expectAudit("another's object") {
            $0.peer == "mallory" && $0.route == "/v1/fleet/pull-object" && $0.reason.contains("no message to it")
        }
        let run = await Self.call(connection, .pullObject(own, messages[0], runID: 99))
        #expect(run.status == 403, "\(run)")
        try await expectAudit("another's run") { $0.peer == "mallory" && $0.reason.contains("no run of this number") }
        try await connection.close()
    }

    /// The number of a hospital's node, and messages to it, as only one who reads the server's disk could know them.
    private func victim() async throws -> (node: UInt64, messages: [ObjectID]) {
        let fleet = folder("server").appending(path: "state/fleet")
        for _ in 0..<1000 {
            let journal = (try? String(contentsOf: fleet.appending(path: "journal.jsonl"), encoding: .utf8)) ?? ""
            let line = journal.split(separator: "\n").first {
                $0.contains("registered") && $0.contains("hospital_a")
            }
            let number = line?.split(whereSeparator: { !$0.isNumber }).compactMap { UInt64($0) }.max()
            let files =
                (try? FileManager.default.contentsOfDirectory(atPath: fleet.appending(path: "messages").path)) ?? []
            let messages = files.compactMap { ObjectID($0) }
            if let number, !messages.isEmpty { return (number, messages) }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw CocoaError(.fileNoSuchFile)
    }

    static func call(_ client: HTTPSClient, _ call: FleetCall) async -> Answer {
        do { return await Self.call(client, call.method.path, try call.body) } catch { return .failure("\(error)") }
    }

    private enum FleetObjectName { static let none = String(repeating: "0", count: 63) + "a" }
}
