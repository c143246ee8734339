import Crypto
import Federation
import Fleet
import Foundation
import Testing

@Suite struct NodeTests: ServiceSuite {
    let folder: TemporaryFolder
    let clock = ToyClock()

    init() throws { folder = try TemporaryFolder() }

    @Test func nodesAsTheyComeAndGo() async throws {
        let service = try await running()
        var changes = await service.changes().makeAsyncIterator()
        let node = try await ToyNode("site_a", service, clock)
        #expect(await changes.next()?.status == .registered)
        #expect(await changes.next()?.status == .online)
        func status() async -> FleetNode.Status? { await service.nodes.first?.status }
        clock.advance(59)
        #expect(await status() == .online)
        #expect(try await node.answer(.sendNodeHeartbeat(node.id, interval: 20)) == .heartbeat(true))
        clock.advance(41)
        #expect(await status() == .offline)
        #expect(try await node.answer(.sendNodeHeartbeat(node.id, interval: 1800)) == .heartbeat(true))
        clock.advance(3599)
        #expect(await status() == .online)
        for interval in [9.9, 1800.1, -1, .nan, .infinity] {
            #expect(
                await refusal {
                    _ = try await service.answer(.sendNodeHeartbeat(node.id, interval: interval), from: node.caller)
                }?.code == 2003)
        }
        let id = try await service.send(question, to: node.id) { Self.model }
        let waiting = Task { try await service.reply(to: id) }
        try await service.unregister(node.id)
        await #expect(throws: FleetError.self) { try await waiting.value }
        #expect(await status() == .unregistered)
        #expect(service.store.all().count == 0)
        #expect(await refusal { _ = try await node.pull() }?.status == 401)
        await #expect(throws: FleetError.unknownNode(node.id)) {
            try await service.send(question, to: node.id) { Self.model }
        }
    }

    @Test func runsAndBundles() async throws {
        let service = try await running()
        let node = try await ToyNode("site_a", service, clock)
        let fab: [UInt8] = Array("PK bundle".utf8)
        let hash = SHA256.hash(data: fab).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        let run = FleetRun(
            id: 8, fabID: "cohort/app", fabVersion: "1.0.0", fabHash: hash,
            configuration: ["rounds": .int(3), "lr": .double(0.1), "on": .bool(true), "name": .string("x")])
        await #expect(throws: FleetError.self) { try await service.open(run, fab: [1]) }
        try await service.open(run, fab: fab)
        for service in [service, try self.service()] {
            var node = node
            node.service = service
            #expect(try await node.answer(.getRun(node.id, runID: 8)) == .run(run))
            #expect(try await node.answer(.getFAB(node.id, hash: hash, runID: 8)) == .fab(hash: hash, content: fab))
            #expect(await refusal { _ = try await node.answer(.getFAB(node.id, hash: hash, runID: 7)) }?.code == 2009)
            for wrong in ["", "..", "../journal.jsonl", String(hash.dropLast())] {
                #expect(
                    await refusal { _ = try await node.answer(.getFAB(node.id, hash: wrong, runID: 8)) }?.code == 2009)
                #expect(
                    await refusal { _ = try await node.answer(.getFAB(node.id, hash: wrong, runID: 7)) }?.code == 2009)
            }
            #expect(await refusal { _ = try await node.answer(.getRun(node.id, runID: 9)) }?.code == 2008)
        }
    }
}
