import Federation
import Fleet
import Foundation
import Testing

private let exchange = ProcessInfo.processInfo.environment["COHORT_FLOWER_EXCHANGE"].map { URL(fileURLWithPath: $0) }

/// Reads the objects that Flower's classes left in the folder `COHORT_FLOWER_EXCHANGE`, writes their values again, and
/// leaves messages of its own there; `scripts/compare/flower_objects.py` has the other half.
@Suite(.enabled(if: exchange != nil, "only with COHORT_FLOWER_EXCHANGE, from scripts/compare/flower_objects.py"))
struct FlowerExchangeTests {
    private func objects(_ folder: URL) throws -> MemoryObjects {
        let objects = MemoryObjects()
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            let id = try #require(ObjectID(file.lastPathComponent))
            objects.take(try FleetObject([UInt8](Data(contentsOf: file)), id: id))
        }
        return objects
    }

    /// Each of their messages, read and written again, has the same objects.
    @Test func theirs() throws {
        let folder = try #require(exchange).appending(path: "theirs")
        var count = 0
        for message in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            let read = try objects(message)
            let root = try #require(ObjectID(message.lastPathComponent))
            let object = try read.object(root)
            var envelope = try MessageEnvelope(root, head: object.head, body: object.body)
            let records = try object.head.children.first.map { try RecordDict($0, in: read) }
            envelope.metadata.messageID = nil
            let written = MemoryObjects()
            let (named, tree) = try envelope.write(records, to: written)
            #expect(named.metadata.messageID == root && tree.root == root)
            #expect(written.all == read.all, "\(root)")
            count += 1
        }
        #expect(count > 0)
    }

    /// Random records, for them to read.
    @Test func ours() throws {
        let folder = try #require(exchange).appending(path: "ours")
        var random = SeededRandom(41)
        for index in 0..<40 {
            var records: RecordDict = [:]
            for name in ["arrays", "größe \"\\ \u{1F600}", "c\n\u{7f}"].prefix(Int.random(in: 0...3, using: &random)) {
                let tensors = (0..<Int.random(in: 0...4, using: &random)).map { place in
                    let type = ScalarType.allCases.filter { $0 != .bfloat16 }.randomElement(using: &random)!
                    let shape = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                        Int.random(in: 0...5, using: &random)
                    }
                    return tensor("layer.\(place)", shape, type, seed: random.next())
                }
                records[name] = .arrays(ArrayRecord(Weights(tensors)))
            }
            if index == 0 { records["large"] = .arrays(ArrayRecord(Weights([tensor("w", [3_000_000], seed: 1)]))) }
            records["m"] = .metrics([
                "d": .double(.random(in: -1...1, using: &random)), "i": .int(Int64(bitPattern: random.next())),
                "u": .uint(random.next() | 1 << 63), "ds": .doubles([0, -0.0, .infinity]), "is": .ints([0, .min]),
                "us": .uints([.max, 1]),
            ])
            records["s"] = .config([
                "d": .double(0), "i": .int(0), "b": .bool(false), "s": .string(""), "y": .bytes([]),
                "ds": .doubles([1]),
                "is": .ints([Int64(index)]), "us": .uints([.max]), "bs": .bools([false, true]),
                "ss": .strings(["é", ""]),
                "ys": .byteStrings([[255], []]),
            ])
            let failed = index % 8 == 7
            let envelope = MessageEnvelope(
                Metadata(
                    runID: random.next(), source: random.next(), destination: 1,
                    replyTo: index % 2 == 0 ? nil : FleetObject(.arrayChunk, body: []).id, group: "\(index)",
                    createdAt: 1.8e9 + Double(index), type: "train", sourceTask: index % 3 == 0 ? 0 : nil),
                failure: failed ? MessageFailure(.appRaised, reason: "index \(index)") : nil)
            let written = MemoryObjects()
            let tree = try envelope.write(failed ? nil : records, to: written).tree
            let place = folder.appending(path: "\(tree.root)")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for id in tree.ids { try Data(try written.object(id).bytes).write(to: place.appending(path: "\(id)")) }
        }
    }
}
