import Crypto
import Federation
import Fleet
import Foundation
import Testing

@Suite struct IntruderTests {
    private let folder: TemporaryFolder
    private let clock = ToyClock()
    private let question = FleetService.Question(key: "round 1", runID: 7, type: "train")
    private static let content: RecordDict = ["arrays": .arrays(ArrayRecord(Weights([tensor("w", [10])])))]

    init() throws { folder = try TemporaryFolder() }

    private func service(_ settings: FleetService.Settings = .init()) async throws -> FleetService {
        let clock = clock
        let service = try FleetService(folder.url, settings: settings, now: { clock.now })
        try await service.open(FleetRun(id: 7))
        return service
    }

    private func refusal(_ body: () async throws -> Void) async -> FleetFailure? {
        do { try await body() } catch { return error as? FleetFailure }
        return nil
    }

    @Test func anotherSitesNode() async throws {
        let service = try await service()
        let (mine, other) = (try await ToyNode("mine", service, clock), try await ToyNode("other", service, clock))
        let id = try await service.send(question, to: mine.id) { Self.content }
        let (envelope, tree) = try #require(try await mine.pull())
        let reply = try mine.reply(to: envelope, Self.content)
        let push = try await mine.push(reply)

        var thief = other
        thief.id = mine.id
        #expect(await refusal { _ = try await thief.pull() }?.status == 401)
        #expect(await refusal { _ = try await thief.push(reply) }?.status == 401)
        #expect(await refusal { _ = try await thief.pullObject(tree.root) }?.status == 401)
        #expect(await refusal { try await thief.confirm(id) }?.status == 401)
        #expect(await refusal { _ = try await thief.answer(.sendNodeHeartbeat(mine.id, interval: 30)) }?.status == 401)
        #expect(await refusal { _ = try await thief.answer(.deactivateNode(mine.id)) }?.status == 401)
        #expect(await refusal { _ = try await thief.answer(.unregisterNode(mine.id)) }?.status == 401)
        #expect(await refusal { _ = try await thief.answer(.getRun(mine.id, runID: 7)) }?.status == 401)
        #expect(
            await refusal { _ = try await thief.pushObject(push.missing[0], session: push.session, content: [1]) }?
                .status == 401)

        // Under its own number, another's message is none of its business either.
        for object in tree.ids { #expect(try await other.pullObject(object).isFound == false) }
        #expect(await refusal { try await other.confirm(id) }?.status == 401)
        var forged = envelope
        forged.metadata.destination = other.id
        let claim = try other.reply(to: forged, Self.content)
        #expect(await refusal { _ = try await other.push(claim) }?.status == 401)
        #expect(await refusal { _ = try await other.push(reply) }?.status == 401)
        for object in reply.tree.ids { other.objects.take(try mine.objects.object(object)) }
        #expect(try await other.pushObject(push.missing[0], session: push.session) == false)
        // The run is untouched.
        try await mine.send(reply)
        #expect(try await service.reply(to: id).metadata.messageID == reply.tree.root)
    }

    @Test(arguments: ["..", "", ".hidden", "a/b", "a b", "a\0b", "é", String(repeating: "a", count: 65), "-rf", "a\n"])
    func namesThatAreNone(_ name: String) async throws {
        let service = try await service()
        #expect(SiteName(name) == nil)
        #expect(await refusal { _ = try await ToyNode(name, service, clock) }?.status == 401)
        #expect(await service.nodes.isEmpty)
    }

    @Test func callersWithoutACertificate() async throws {
        let key = SigningKey(P384.Signing.PrivateKey().publicKey)
        var service = try await service()
        #expect(await refusal { _ = try await ToyNode(.anonymous, service, clock) }?.status == 401)
        #expect(await refusal { _ = try await ToyNode(.key(key), service, clock) }?.status == 401)

        service = try await self.service(.init(keys: .registered))
        #expect(await refusal { _ = try await ToyNode(.key(key), service, clock) }?.code == 2001)
        #expect(await refusal { _ = try await ToyNode(.key(key), service, clock, registering: false) }?.code == 2004)
        let id = try await service.register(key, as: try #require(SiteName("flower_a")))
        let node = try await ToyNode(.key(key), service, clock, registering: false)
        #expect(node.id == id)
        #expect(await service.nodes.map(\.name.description) == ["flower_a"])
        #expect(await refusal { _ = try await node.answer(.unregisterNode(id)) }?.code == 2002)
        // Names are not given twice, to keys or certificates.
        let second = SigningKey(P384.Signing.PrivateKey().publicKey)
        #expect(await refusal { _ = try await service.register(second, as: SiteName("flower_a")!) }?.status == 412)
        #expect(await refusal { _ = try await ToyNode("flower_a", service, clock) }?.status == 412)
        // The key in the call is the one that signed it.
        let call = FleetCall.activateNode(publicKey: Array(key.pem.utf8), heartbeatInterval: 30)
        #expect(await refusal { _ = try await service.answer(call, from: .key(second)) }?.status == 401)

        service = try await self.service(.init(keys: .any))
        let bench = try await ToyNode(.key(second), service, clock)
        #expect(
            await refusal { _ = try await service.answer(.registerNode(publicKey: [1]), from: .key(key)) }?.status
                == 401)
        #expect(try await bench.answer(.unregisterNode(bench.id)) == .done)
    }

    @Test func unknownNumbers() async throws {
        let service = try await service()
        let node = try await ToyNode("site_a", service, clock)
        let nothing = FleetObject(.configRecord, body: []).id
        #expect(try await node.pullObject(nothing).isFound == false)
        #expect(await refusal { _ = try await node.pullObject(nothing, runID: 9) }?.code == 2007)
        #expect(try await node.answer(.confirmMessageReceived(node.id, nothing, runID: 7)) == .done)
        node.objects.take(FleetObject(.configRecord, body: []))
        #expect(try await node.pushObject(nothing, session: "") == false)
        #expect(try await node.pushObject(nothing, session: "none") == false)
        #expect(await refusal { _ = try await node.pushObject(nothing, session: "", runID: 9) }?.code == 2007)
        let metadata = Metadata(
            runID: 7, source: node.id, destination: 1, replyTo: nothing, createdAt: clock.now, type: "train")
        #expect(try await node.push(try MessageEnvelope(metadata).write([:], to: node.objects)).isTaken == false)
        for (change, status) in [
            ({ $0.runID = 9 }, 403), ({ $0.source = 1 }, 401), ({ $0.destination = node.id }, 400),
            ({ $0.replyTo = nil }, 400),
        ] as [((inout Metadata) -> Void, Int)] {
            var other = metadata
            change(&other)
            #expect(
                await refusal { _ = try await node.push(try MessageEnvelope(other).write([:], to: node.objects)) }?
                    .status == status)
        }
    }

    @Test func objectsThatDoNotFit() async throws {
        let service = try await service(.init(largestMessage: 10_000))
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.content }
        let (envelope, _) = try #require(try await node.pull())
        let reply = try node.reply(to: envelope, Self.content)
        let push = try await node.push(reply)
        let chunk = push.missing[0]
        var bytes = try node.objects.object(chunk).bytes
        bytes[bytes.count - 1] ^= 1
        for wrong in [bytes, Array(bytes.dropLast()), bytes + [0], [], [UInt8](repeating: 65, count: 9000)] {
            #expect(
                await refusal { _ = try await node.pushObject(chunk, session: push.session, content: wrong) }?.status
                    == 400)
        }
        let longer = [UInt8](repeating: 65, count: 10_001)
        #expect(
            await refusal { _ = try await node.pushObject(chunk, session: push.session, content: longer) }?.status
                == 413)
        // More than any object may have is refused with the first bytes.
        let reception = PushObjectReception(service, from: node.caller)
        let (before, _) = try PushObjectRequest(node: node.id, runID: 7, object: chunk, session: "")
            .around(byteCount: 10_000_000_000)
        #expect(await refusal { try await reception.write(before) }?.status == 400)
        #expect(try await node.push(reply).missing == push.missing)

        // An envelope that is not the one of the push before.
        var other = reply.envelope
        other.metadata.group = "another"
        #expect(await refusal { _ = try await node.push((other, reply.tree)) }?.status == 400)
        try await node.send(reply)
        #expect(try await service.reply(to: id).metadata.group == "")
    }

    /// The message's object must say what the envelope said, which is what was checked.
    @Test func anEnvelopeThatLies() async throws {
        let service = try await service()
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.content }
        let (envelope, _) = try #require(try await node.pull())
        let reply = try node.reply(to: envelope, Self.content)
        var other = reply.envelope
        other.metadata.group = "another"
        let push = try await node.push((other, reply.tree))
        for object in push.missing.dropLast() { #expect(try await node.pushObject(object, session: push.session)) }
        #expect(await refusal { _ = try await node.pushObject(reply.tree.root, session: push.session) }?.status == 400)
        try await node.send(reply)
        #expect(try await service.reply(to: id).metadata.group == "")
    }

    /// A tree that hides children is found out by the object's head.
    @Test func aTreeThatHidesObjects() async throws {
        let service = try await service()
        let node = try await ToyNode("site_a", service, clock)
        _ = try await service.send(question, to: node.id) { Self.content }
        let (envelope, _) = try #require(try await node.pull())
        let reply = try node.reply(to: envelope, Self.content)
        // A call whose tree has only a root, and then another root's name in the place of its own.
        let bare = try MessageEnvelope(
            reply.envelope.metadata, failure: MessageFailure(.unknown, reason: "")
        ).write(nil, to: MemoryObjects())
        var body = try FleetCall.pushMessages(node.id, bare.envelope, bare.tree, runtime: nil).body
        let (from, to) = (Array("\(bare.tree.root)".utf8), Array("\(reply.tree.root)".utf8))
        for start in body.indices where body[start...].starts(with: from) {
            body.replaceSubrange(start..<start + 64, with: to)
        }
        guard
            case .answer(.push(let push)) = try await service.answer(
                FleetCall(.pushMessages, body: body), from: node.caller)
        else { throw FleetError.missingObject(reply.tree.root) }
        #expect(push.missing == [reply.tree.root])
        let refused = await refusal { _ = try await node.pushObject(reply.tree.root, session: push.session) }
        #expect(refused?.status == 400 && refused!.detail.contains("children"))
    }

    /// Objects that the server has already are no way to hide children either.
    @Test func aTreeThatHidesObjectsOfTheServer() async throws {
        let service = try await service()
        let node = try await ToyNode("site_a", service, clock)
        _ = try await service.send(question, to: node.id) { Self.content }
        let (envelope, tree) = try #require(try await node.pull())
        let theirs = tree.children(of: tree.root)[0]
        let empty = try node.reply(to: envelope, [:])
        let root = try MessageEnvelope(empty.envelope.metadata).object(content: theirs).id
        var body = try FleetCall.pushMessages(node.id, empty.envelope, empty.tree, runtime: nil).body
        for (from, to) in [(empty.tree.root, root), (empty.tree.ids[0], theirs)] {
            let (from, to) = (Array("\(from)".utf8), Array("\(to)".utf8))
            for start in body.indices where body[start...].starts(with: from) {
                body.replaceSubrange(start..<start + 64, with: to)
            }
        }
        let call = try FleetCall(.pushMessages, body: body)
        let refused = await refusal { _ = try await service.answer(call, from: node.caller) }
        #expect(refused?.status == 400 && refused!.detail.contains("children"))
        try await node.send(empty)
    }

    @Test func callsThatAreNone() async throws {
        for method in FleetMethod.allCases where method != .pushObject {
            #expect(throws: FleetError.self) { try FleetCall(method, body: [0xff]) }
            #expect(throws: FleetError.self) {
                try FleetCall(method, body: [UInt8](repeating: 0, count: method.longestRequest + 1))
            }
        }
        #expect(FleetMethod(path: "/v1/fleet/pull-object") == .pullObject)
        for path in [
            "/v1/control/start-run", "/v1/fleet/", "/v1/fleet/../control", "/v1/fleet/pull-object/", "pull-object",
        ] {
            #expect(FleetMethod(path: path) == nil)
        }
        #expect(
            String(decoding: FleetFailure(status: 403, code: 2007, detail: "no \"run\"").json, as: UTF8.self)
                == #"{"code": 2007, "detail": "no \"run\""}"#)
    }
}
