import Federation
import Fleet
import Foundation
import Testing

/// Bytes as they never were meant to be: every parser gives a value or an error, and keeps nothing.
@Suite struct MutationTests {
    private static let records: RecordDict = [
        "arrays": .arrays(ArrayRecord(Weights([tensor("größe", [3, 5]), tensor("n", [], .int64), tensor("e", [0])]))),
        "metrics": .metrics(["a": .int(-3), "b": .doubles([1, .nan]), "c": .uint(.max), "d": .uints([1])]),
        "config": .config([
            "a": .string("x\u{1F600}"), "b": .bytes([0, 1]), "c": .bools([true]), "d": .strings(["", "y"]),
        ]),
    ]

    private static func mutate(_ bytes: [UInt8], with random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0..<3, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes.removeSubrange(place...)
            case 1: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
            case 2:
                if place < bytes.count {
                    bytes[place] = [0, 1, 127, 128, 255, 32, 34, 48, 57, 92].randomElement(using: &random)!
                }
            case 3:
                bytes.insert(
                    contentsOf: (0..<Int.random(in: 1..<12, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }, at: place)
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1..<20, using: &random)))
            case 5: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 40)], at: place)
            default:
                bytes.insert(
                    contentsOf: [255, 255, 255, 255, 255, 255, 255, 255, 127].prefix(
                        Int.random(in: 1...9, using: &random)), at: place)
            }
        }
        return bytes
    }

    private static var residentBytes: Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
    }

    @Test func aHundredThousand() throws {
        let objects = MemoryObjects()
        let message = try MessageEnvelope(
            Metadata(runID: 7, source: 1, destination: 9, group: "1", createdAt: 1.8e9, type: "train")
        ).write(Self.records, to: objects)
        let calls: [FleetCall] = [
            .registerNode(publicKey: [1, 2]), .activateNode(publicKey: [1], heartbeatInterval: 30), .deactivateNode(9),
            .unregisterNode(9), .sendNodeHeartbeat(9, interval: 30), .pullMessages(9),
            .pushMessages(9, message.envelope, message.tree, runtime: 1), .getRun(9, runID: 7),
            .getFAB(9, hash: "ab", runID: 7), .pullObject(9, message.tree.root, runID: 7),
            .confirmMessageReceived(9, message.tree.root, runID: 7),
        ]
        let answers: [(FleetMethod, FleetAnswer)] = [
            (.registerNode, .registered(9)), (.activateNode, .activated(9)), (.sendNodeHeartbeat, .heartbeat(true)),
            (.pullMessages, .message(message.envelope, message.tree)),
            (.getRun, .run(FleetRun(id: 7, configuration: ["a": .int(1)]))),
            (.getFAB, .fab(hash: "ab", content: [1])), (.pushObject, .stored(true)),
        ]
        var seeds: [([UInt8], ([UInt8]) throws -> Void)] = []
        for call in calls { seeds.append((try call.body, { _ = try FleetCall(call.method, body: $0) })) }
        for (method, answer) in answers { seeds.append((try answer.body, { _ = try FleetAnswer(method, body: $0) })) }
        for object in objects.all.values {
            seeds.append((object.bytes, { _ = try FleetObject($0) }))
            // Under its own hash, as one who means it would send it: in the place of the message's own.
            seeds.append(
                (
                    object.body,
                    { body in
                        let changed = FleetObject(object.kind, children: object.head.children, body: body)
                        let all = MemoryObjects()
                        for other in objects.all.values where other.id != object.id { all.take(other) }
                        all.take(changed)
                        switch object.kind {
                        case .recordDict: _ = try RecordDict(changed.id, in: all)
                        case .arrayRecord: _ = try ObjectTensors(changed.id, in: all).whole(pieces: 1000)
                        case .array, .arrayChunk:
                            let chunk = object.kind == .arrayChunk
                            let array =
                                chunk
                                ? FleetObject(
                                    .array, children: [changed.id],
                                    body: Array(
                                        "{\"dtype\": \"float32\", \"shape\": [3, 5], \"stype\": \"numpy.ndarray\", \"arraychunk_ids\": [0]}"
                                            .utf8))
                                : changed
                            let record = FleetObject(
                                .arrayRecord, children: [array.id], body: Array("{\"a\": \"\(array.id)\"}".utf8))
                            all.take(array)
                            all.take(record)
                            _ = try ObjectTensors(record.id, in: all).whole(pieces: 1000)
                        case .metricRecord, .configRecord:
                            let dict = FleetObject(
                                .recordDict, children: [changed.id], body: Array("{\"a\": \"\(changed.id)\"}".utf8))
                            all.take(dict)
                            _ = try RecordDict(dict.id, in: all)
                        case .message: _ = try MessageEnvelope(changed.id, head: changed.head, body: changed.body)
                        }
                    }
                ))
        }
        seeds.append((NPYHeader(shape: [12, 3], type: .int64).bytes, { _ = try NPYHeader.parse($0) }))

        var random = SeededRandom(20_261_121)
        var (taken, refused) = (0, 0)
        func run(_ count: Int) throws {
            for _ in 0..<count {
                let (bytes, parse) = seeds.randomElement(using: &random)!
                let mutated = Self.mutate(bytes, with: &random)
                do {
                    try parse(mutated)
                    taken += 1
                } catch is FleetError {
                    refused += 1
                }
            }
        }
        // Other tests run beside this one: what parsers kept would show in every one of the steps.
        var growths: [Int] = []
        for _ in 0..<10 {
            let before = Self.residentBytes
            try run(10_000)
            growths.append(Self.residentBytes - before)
        }
        #expect(growths.min()! < 1 << 20, "bytes more in each step: \(growths)")
        #expect(taken + refused == 100_000 && taken > 1000 && refused > 30_000, "\(taken) taken, \(refused) refused")
    }

    /// The streams of push-object and pull-object.
    @Test func streams() async throws {
        let folder = try TemporaryFolder()
        let clock = ToyClock()
        let service = try FleetService(folder.url, now: { clock.now })
        try await service.open(FleetRun(id: 7))
        let node = try await ToyNode("site_a", service, clock)
        let id = try await service.send(.init(key: "k", runID: 7, type: "train"), to: node.id) { Self.records }
        let (envelope, _) = try #require(try await node.pull())
        let reply = try node.reply(to: envelope, Self.records)
        let push = try await node.push(reply)
        let bytes = try node.objects.object(push.missing[0]).bytes
        let (before, after) = try PushObjectRequest(
            node: node.id, runID: 7, object: push.missing[0], session: push.session
        )
        .around(byteCount: bytes.count)
        let answer = try await node.pullObject(try #require(envelope.metadata.messageID))
        var pulled = [UInt8](repeating: 0, count: answer.byteCount)
        #expect(try pulled.withUnsafeMutableBytes { try answer.read(at: 0, into: $0) } == pulled.count)
        var random = SeededRandom(7)
        for _ in 0..<3000 {
            let body = Self.mutate(before + bytes + after, with: &random)
            let piece = Int.random(in: 1..<300, using: &random)
            let reception = PushObjectReception(service, from: node.caller)
            do {
                for start in stride(from: 0, to: body.count, by: piece) {
                    try await reception.write(Array(body[start..<min(body.count, start + piece)]))
                }
                _ = try await reception.finish()
            } catch { #expect([400, 401, 403, 413].contains((error as FleetFailure).status)) }

            let download = Self.mutate(pulled, with: &random)
            var reader = PullObjectAnswer.Reader(service.store.begin(id))
            do {
                for start in stride(from: 0, to: download.count, by: piece) {
                    try reader.write(Array(download[start..<min(download.count, start + piece)]))
                }
                _ = try reader.finish()
            } catch { #expect(error is FleetError) }
        }
        try await node.send(reply)
        #expect(try await service.reply(to: id).records().metrics("metrics")?["a"] == .int(-3))
        let left = try FileManager.default.contentsOfDirectory(
            atPath: folder.url.appending(path: "objects/incoming").path)
        #expect(left.isEmpty)
    }
}
