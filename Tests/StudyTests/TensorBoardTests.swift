import Foundation
import Study
import Testing

@Suite struct TensorBoardTests {
    /// RFC 3720, appendix B.4, and the value that every table of checksums gives.
    @Test func checksums() {
        #expect(CRC32C.checksum("123456789".utf8) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(0..<32) == 0x46DD_794E)
        #expect(CRC32C.checksum([]) == 0)
    }

    /// The bytes that TensorBoard's own RecordWriter makes of the version of an event file.
    @Test func framing() {
        let event = [UInt8]([0x1A, 0x0D]) + Array("brain.Event:2".utf8)
        let framed = EventRecord.framed(event)
        #expect(
            framed.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                == "0f000000000000006d532b091a0d627261696e2e4576656e743a32fc985129")
    }

    @Test func aRunForEachSite() throws {
        try withScratchFolder { folder in
            let run = SampleRun(sites: 4, rounds: 8)
            let writer = try TensorBoardWriter(folder: folder, time: Date(timeIntervalSince1970: 1_800_000_000))
            for record in run.records { try writer.append(record) }
            let runs = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            #expect(
                runs == ["Klinikum am Urban", "St. Mary%27s %26 Co %3Cnorth%3E", "global", "hospital_a", "hospital_b"])
            let global = try events(folder, "global")
            #expect(global.first?.version == "brain.Event:2")
            let dice = global.flatMap { event in
                event.scalars.filter { $0.tag == "dice/global" }.map { (event.step, $0.value) }
            }
            #expect(dice.map(\.0) == Array(1...8))
            for (step, value) in dice {
                #expect(value == Float(run.records.first { $0.round == step }!.globalMetrics["dice"]!))
            }
            #expect(global.contains { $0.step == -2 })
            let tags = Set(global.flatMap(\.scalars).map(\.tag))
            #expect(tags.isSuperset(of: ["loss/global", "all/dice", "seconds/training", "bytes/up"]))
            // A site that failed has no point in that round.
            let failed = try events(folder, "hospital_b").filter { !$0.scalars.isEmpty }.map(\.step)
            #expect(failed == [-2, -1, 1, 2, 4, 5, 6, 7, 8])
            #expect(try events(folder, "hospital_a").flatMap(\.scalars).contains { $0.tag == "dice/hospital_a" })
        }
    }

    @Test func aResumedRunSaysWhereItBegins() throws {
        try withScratchFolder { folder in
            let time = Date(timeIntervalSince1970: 1_800_000_000)
            try TensorBoardWriter(folder: folder, time: time).append(RoundRecord(round: 1))
            let resumed = try TensorBoardWriter(folder: folder, redoingFrom: 1, time: time)
            try resumed.append(RoundRecord(round: 1))
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "global").path)
            #expect(
                names.sorted() == [
                    "events.out.tfevents.1800000000.cohort", "events.out.tfevents.1800000000.cohort.again",
                ])
            let events = try events(folder, "global")
            #expect(events.map(\.isSessionStart) == [false, false, false, true, false])
            #expect(events[3].step == 1)
        }
    }

    @Test func valuesThatAreNoNumbers() throws {
        try withScratchFolder { folder in
            try TensorBoardWriter(folder: folder).append(RoundRecord(round: 1, globalMetrics: ["dice": .nan]))
            let value = try events(folder, "global").flatMap(\.scalars).first { $0.tag == "dice/global" }?.value
            #expect(value?.isNaN == true)
        }
    }

    @Test(arguments: [
        ("hospital_a", "hospital_a"), ("a/../b", "a%2F..%2Fb"), ("..", "%2E."), ("", "%00"), ("Köln 1", "Köln 1"),
        ("global", "%67lobal"), ("Global", "%47lobal"), ("a<b>&\"", "a%3Cb%3E%26%22"), ("a%2Fb", "a%252Fb"),
    ])
    func names(site: String, run: String) {
        #expect(TensorBoardWriter.run(ofSite: site) == run)
    }

    // MARK: Reading events back

    private struct Event {
        var step = 0
        var version: String?
        var isSessionStart = false
        var scalars: [(tag: String, value: Float)] = []
    }

    /// All events of a run, in the order of its files; lengths and both checksums of each are checked.
    private func events(_ folder: URL, _ run: String) throws -> [Event] {
        let folder = folder.appending(path: run)
        var events: [Event] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            var bytes = Array(try Data(contentsOf: folder.appending(path: name)))[...]
            while !bytes.isEmpty {
                let length = Array(bytes.prefix(8))
                bytes = bytes.dropFirst(8)
                let count = length.reversed().reduce(0) { $0 << 8 | Int($1) }
                #expect(masked(bytes.prefix(4)) == CRC32C.checksum(length))
                bytes = bytes.dropFirst(4)
                let content = bytes.prefix(count)
                try #require(content.count == count)
                bytes = bytes.dropFirst(count)
                #expect(masked(bytes.prefix(4)) == CRC32C.checksum(content))
                bytes = bytes.dropFirst(4)
                events.append(try event(content))
            }
        }
        return events
    }

    /// The checksum that four bytes mask.
    private func masked(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        let rotated = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) } &- 0xA282_EAD8
        return rotated >> 17 | rotated << 15
    }

    private func event(_ bytes: ArraySlice<UInt8>) throws -> Event {
        var event = Event()
        for field in try fields(bytes) {
            switch field.number {
            case 2: event.step = Int(truncatingIfNeeded: field.varint)
            case 3: event.version = String(decoding: field.bytes, as: UTF8.self)
            case 5:
                for value in try fields(field.bytes) {
                    let parts = try fields(value.bytes)
                    let tag = try #require(parts.first { $0.number == 1 })
                    let number = try #require(parts.first { $0.number == 2 })
                    event.scalars.append(
                        (
                            String(decoding: tag.bytes, as: UTF8.self),
                            Float(bitPattern: number.bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
                        ))
                }
            case 7: event.isSessionStart = try fields(field.bytes).contains { $0.number == 1 && $0.varint == 1 }
            default: break
            }
        }
        return event
    }

    private func fields(_ bytes: ArraySlice<UInt8>) throws -> [(number: Int, varint: UInt64, bytes: ArraySlice<UInt8>)]
    {
        var rest = bytes
        func varint() -> UInt64 {
            var (value, shift) = (UInt64(0), UInt64(0))
            while let byte = rest.popFirst() {
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { break }
                shift += 7
            }
            return value
        }
        var fields: [(number: Int, varint: UInt64, bytes: ArraySlice<UInt8>)] = []
        while !rest.isEmpty {
            let key = varint()
            let kind = key & 7
            let value = kind == 0 || kind == 2 ? varint() : 0
            let count = kind == 0 ? 0 : kind == 1 ? 8 : kind == 5 ? 4 : Int(value)
            try #require(rest.count >= count)
            fields.append((Int(key >> 3), value, rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return fields
    }
}
