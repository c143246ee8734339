import Crypto
import Federation
import Fleet
import Foundation
import Testing

@Suite struct ServiceTests: ServiceSuite {
    let folder: TemporaryFolder
    let clock = ToyClock()

    init() throws { folder = try TemporaryFolder() }

    private func answer(_ value: Double) -> RecordDict {
        [
            "arrays": .arrays(ArrayRecord(Weights([tensor("w", [40, 50], seed: value.bitPattern)]))),
            "metrics": .metrics(["num-examples": .int(3), "value": .double(value)]),
        ]
    }

    // MARK: The life of a message

    @Test func thereAndBack() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        #expect(try await node.pull() == nil)
        let id = try await service.send(question, to: node.id) { Self.model }
        let (envelope, tree) = try #require(try await node.pull())
        #expect(
            envelope.metadata.messageID == id && envelope.metadata.type == "train" && envelope.metadata.group == "1")
        let received = try await node.receive(tree)
        #expect(try received.arrays("arrays")?.tensors.whole() == Self.model.arrays("arrays")?.tensors.whole())
        #expect(received.config("config") == Self.model.config("config"))
        #expect(try await node.pull() == nil)

        async let waiting = service.reply(to: id)
        let reply = try node.reply(to: envelope, answer(0.5))
        try await node.send(reply)
        let records = try await waiting.records()
        #expect(records.metrics("metrics")?["value"] == .double(0.5))
        #expect(try records.arrays("arrays")?.tensors.whole() == answer(0.5).arrays("arrays")?.tensors.whole())
        #expect(service.store.all().count > 10)
        await service.discard(id)
        #expect(service.store.all().count == 0)
        await #expect(throws: FleetError.self) { try await service.reply(to: id) }
    }

    /// One content for many nodes is written once, and goes with the last of them.
    @Test func oneContentForManyNodes() async throws {
        let service = try await running()
        var nodes: [ToyNode] = []
        for name in ["a", "b", "c"] { nodes.append(try await ToyNode(name, service, clock)) }
        let ids = try await withThrowingTaskGroup(of: (UInt64, ObjectID).self) { group in
            for node in nodes {
                group.addTask { [question] in (node.id, try await service.send(question, to: node.id) { Self.model }) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(Set(ids.values).count == 3)
        // Two chunks, two arrays, a record of each kind, their dict, and three messages.
        #expect(service.store.all().count == 7 + 3)
        for node in nodes {
            let (envelope, tree) = try #require(try await node.pull())
            #expect(envelope.metadata.messageID == ids[node.id])
            _ = try await node.receive(tree)
        }
        for (count, node) in nodes.enumerated() {
            await service.discard(ids[node.id]!)
            #expect(service.store.all().count == (count == 2 ? 0 : 9 - count))
        }
    }

    @Test func failures() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.model }
        let (envelope, _) = try #require(try await node.pull())
        let failed = try MessageEnvelope(
            envelope.metadata.reply(createdAt: clock.now), failure: MessageFailure(.appRaised, reason: "no GPU")
        ).write(nil, to: node.objects)
        try await node.send(failed)
        let reply = try await service.reply(to: id)
        #expect(reply.failure == MessageFailure(.appRaised, reason: "no GPU"))
        let error = #expect(throws: FleetError.self) { try reply.records() }
        #expect("\(error!)".contains("no GPU"))
    }

    @Test func aNodeWaitsForItsMessage() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        async let pulled = node.pull(waiting: .seconds(20))
        try await Task.sleep(for: .milliseconds(50))
        let begin = ContinuousClock.now
        let id = try await service.send(question, to: node.id) { Self.model }
        #expect(try await pulled?.tree.root == id)
        #expect(ContinuousClock.now - begin < .seconds(10))
        try await node.confirm(id)
        #expect(try await node.pull(waiting: .milliseconds(20)) == nil)
    }

    @Test func waitingEnds() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.model }
        let cancelled = Task { try await service.reply(to: id) }
        try await Task.sleep(for: .milliseconds(20))
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        let closed = Task { try await service.reply(to: id) }
        try await Task.sleep(for: .milliseconds(20))
        try await service.close(7)
        await #expect(throws: FleetError.self) { try await closed.value }
        #expect(await refusal { _ = try await node.answer(.getRun(node.id, runID: 7)) }?.code == 2007)
        await #expect(throws: FleetError.self) { try await service.send(question, to: node.id) { Self.model } }
        #expect(service.store.all().count == 0)
    }

    /// A new service on the same folder, after each step of a message's life, goes on as if nothing had been.
    @Test func restartAtEveryStep() async throws {
        var service = try await running()
        var node = try await ToyNode("site_a", service, clock)
        func restart() throws {
            service = try self.service()
            node.service = service
        }
        try restart()
        #expect(await service.nodes.map(\.id) == [node.id])
        #expect(await service.nodes.first?.status == .online)
        let id = try await service.send(question, to: node.id) { Self.model }
        try restart()
        let same = try await service.send(question, to: node.id) {
            Issue.record("the content is asked for again")
            return Self.model
        }
        #expect(same == id)
        let (envelope, tree) = try #require(try await node.pull())
        #expect(tree.root == id)
        try restart()
        #expect(try await node.pull()?.tree == tree)
        _ = try await node.receive(tree)
        try restart()
        #expect(try await node.pull() == nil)
        let reply = try node.reply(to: envelope, answer(0.25))
        let push = try await node.push(reply)
        #expect(Set(push.missing) == Set(reply.tree.ids))
        for (count, object) in push.missing.enumerated() {
            try restart()
            // The same push is answered alike, and lacks what has not come.
            let again = try await node.push(reply)
            #expect(again.session == push.session && again.missing == Array(push.missing[count...]))
            try restart()
            #expect(try await node.pushObject(object, session: push.session))
        }
        try restart()
        #expect(try await node.push(reply).missing.isEmpty)
        #expect(try await service.send(question, to: node.id) { Self.model } == id)
        #expect(try await service.reply(to: id).records().metrics("metrics")?["value"] == .double(0.25))
        await service.discard(id)
        try restart()
        #expect(service.store.all().count == 0)
        clock.advance(1)
        #expect(try await service.send(question, to: node.id) { Self.model } != id)
    }

    /// What a killed service leaves at the end of its journal, whatever the byte, is no hindrance.
    @Test func aJournalCutAnywhere() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.model }
        let journal = folder.url.appending(path: "journal.jsonl")
        let bytes = try Data(contentsOf: journal)
        for length in stride(from: bytes.count, through: 0, by: -7) {
            let other = try TemporaryFolder()
            try FileManager.default.removeItem(at: other.url)
            try FileManager.default.copyItem(at: folder.url, to: other.url)
            try bytes.prefix(length).write(to: other.url.appending(path: "journal.jsonl"))
            let cut = try FleetService(other.url)
            #expect(await cut.nodes.count <= 1)
            if length == bytes.count {
                #expect(try await cut.answer(.pullMessages(node.id), from: node.caller).message == id)
            }
        }
        var spoiled = bytes
        spoiled[10] = 0
        try spoiled.write(to: journal)
        #expect(throws: FleetError.self) { try self.service() }
    }

    /// A long past is told shortly.
    @Test func theJournalIsMadeShort() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.model }
        for _ in 0..<600 {
            _ = try await node.answer(.deactivateNode(node.id))
            _ = try await node.activate()
        }
        let journal = folder.url.appending(path: "journal.jsonl")
        #expect(try Data(contentsOf: journal).count > 30_000)
        let short = try self.service()
        #expect(try Data(contentsOf: journal).count < 2000)
        #expect(try await short.answer(.pullMessages(node.id), from: node.caller).message == id)
        #expect(try await short.answer(.getRun(node.id, runID: 7), from: node.caller).run?.id == 7)
    }

    // MARK: Repeats, disorder

    @Test func everyCallMayComeTwice() async throws {
        let service = try await running()
        var node = try await ToyNode("site_a", service, clock)
        #expect(try await node.register() == node.id)
        #expect(try await node.activate() == node.id)
        let id = try await service.send(question, to: node.id) { Self.model }
        let first = try #require(try await node.pull())
        #expect(try await node.pull()?.envelope == first.envelope)
        _ = try await node.receive(first.tree)
        try await node.confirm(id)
        let reply = try node.reply(to: first.envelope, answer(1))
        let push = try await node.push(reply)
        for object in push.missing.reversed() {
            #expect(try await node.pushObject(object, session: push.session))
            #expect(try await node.pushObject(object, session: push.session))
        }
        // Also after all of it came, and under an older node's empty session.
        for object in push.missing {
            #expect(try await node.pushObject(object, session: push.session))
            #expect(try await node.pushObject(object, session: ""))
        }
        let again = try await node.push(reply)
        #expect(again.isTaken && again.missing.isEmpty)
        #expect(try await service.reply(to: id).metadata.messageID == reply.tree.root)
        for _ in 0..<2 { #expect(try await node.answer(.deactivateNode(node.id)) == .done) }
        for _ in 0..<2 { #expect(try await node.answer(.unregisterNode(node.id)) == .done) }
        let old = node.id
        node.id = try await node.register()
        #expect(node.id != old)
    }

    /// The objects of one reply come all at once, some twice; the last answer means that all is there.
    @Test func objectsAllAtOnce() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        for round in 0..<10 {
            var question = question
            question.key = "round \(round)"
            let id = try await service.send(question, to: node.id) { Self.model }
            let (envelope, tree) = try #require(try await node.pull())
            _ = try await node.receive(tree)
            let reply = try node.reply(to: envelope, answer(Double(round)))
            let push = try await node.push(reply)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for object in (push.missing + push.missing).shuffled() {
                    group.addTask { try await node.pushObject(object, session: push.session) }
                }
                for try await isStored in group { #expect(isStored) }
            }
            #expect(
                try await self.service().reply(to: id).records().metrics("metrics")?["value"] == .double(Double(round)))
            #expect(try await service.reply(to: id).metadata.messageID == reply.tree.root)
        }
    }

    @Test func oneReplyCounts() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.model }
        let (envelope, _) = try #require(try await node.pull())
        // The node began one, was started again, and made another.
        let lost = try node.reply(to: envelope, answer(1))
        let begun = try await node.push(lost)
        #expect(try await node.pushObject(begun.missing[0], session: begun.session))
        let second = try node.reply(to: envelope, answer(2))
        try await node.send(second)
        #expect(try await node.pushObject(begun.missing[1], session: begun.session) == false)
        let third = try await node.push(try node.reply(to: envelope, answer(3)))
        #expect(!third.isTaken && third.missing.isEmpty && third.session.isEmpty)
        #expect(try await service.reply(to: id).records().metrics("metrics")?["value"] == .double(2))
        await service.discard(id)
        #expect(service.store.all().count == 0)
        #expect(try await node.push(second).isTaken == false)
    }

    @Test func aSessionEnds() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.model }
        let (envelope, tree) = try #require(try await node.pull())
        _ = try await node.receive(tree)
        let reply = try node.reply(to: envelope, answer(1))
        var push = try await node.push(reply)
        for object in push.missing.prefix(3) {
            clock.advance(170)  // Each object makes it last longer.
            #expect(try await node.pushObject(object, session: push.session))
        }
        clock.advance(181)
        #expect(try await node.pushObject(push.missing[3], session: push.session) == false)
        // Pushed again, all of it is taken.
        push = try await node.push(reply)
        #expect(push.isTaken && Set(push.missing) == Set(reply.tree.ids))
        clock.advance(181)
        // Or the node is asked again, since it may have nothing any more.
        #expect(try await node.pull()?.tree.root == id)
        try await node.send(try node.reply(to: envelope, answer(2)))
        #expect(try await service.reply(to: id).records().metrics("metrics")?["value"] == .double(2))
    }

    @Test func aNodeThatBeginsAnewIsAskedAgain() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(question, to: node.id) { Self.model }
        _ = try await node.receive(try #require(try await node.pull()).tree)
        #expect(try await node.pull() == nil)
        _ = try await node.activate()
        let (envelope, tree) = try #require(
            try await self.service().answer(.pullMessages(node.id), from: node.caller).pulled)
        #expect(tree.root == id)
        try await node.send(try node.reply(to: envelope, answer(1)))
        _ = try await node.activate()
        #expect(try await node.pull() == nil)
    }

    @Test func timeToLive() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        var question = question
        question.timeToLive = 100
        let id = try await service.send(question, to: node.id) { Self.model }
        let (envelope, _) = try #require(try await node.pull())
        var late = envelope.metadata.reply(createdAt: clock.now)
        late.timeToLive += 0.2
        let longer = try MessageEnvelope(late).write(answer(1), to: node.objects)
        #expect(try await node.push(longer).isTaken == false)
        let reply = try node.reply(to: envelope, answer(1))
        clock.advance(101)
        #expect(try await node.pull() == nil)
        #expect(try await node.push(reply).isTaken == false)
        await #expect(throws: FleetError.self) { try await service.reply(to: id) }
        // Sent again, it is another message.
        #expect(try await service.send(question, to: node.id) { Self.model } != id)
    }
}

extension FleetService.Response {
    var pulled: (MessageEnvelope, ObjectTree)? {
        if case .answer(.message(let envelope?, let tree?)) = self { (envelope, tree) } else { nil }
    }
    var message: ObjectID? { pulled?.1.root }
    var run: FleetRun? { if case .answer(.run(let run)) = self { run } else { nil } }
}
