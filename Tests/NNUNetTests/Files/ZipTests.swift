import Foundation
import NNUNet
import Testing

@Suite struct ZipTests {
    static let text = Array(String(repeating: "a line that repeats\n", count: 500).utf8)

    @Test(arguments: [false, true], [1, 64])
    func roundTrip(forcesZip64: Bool, alignment: Int) throws {
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("a.zip")
            let writer = try ZipWriter(url, alignment: alignment, forcesZip64: forcesZip64)
            try writer.add("folder/stored", Self.text)
            try writer.add("deflated", Self.text, deflated: true)
            try writer.add("empty", [])
            try writer.add("noise", [1, 2, 3], deflated: true)
            #expect(!FileManager.default.fileExists(atPath: url.path))
            try writer.finish()
            let archive = try ZipArchive(contentsOf: url)
            #expect(archive.entries.map(\.name) == ["folder/stored", "deflated", "empty", "noise"])
            #expect(try archive.read(try #require(archive["folder/stored"])) == Self.text)
            #expect(try archive.read(try #require(archive["deflated"])) == Self.text)
            #expect(try archive.read(try #require(archive["empty"])) == [])
            #expect(try archive.read(try #require(archive["noise"])) == [1, 2, 3])
            #expect(try archive.read(try #require(archive["folder/stored"]), range: 2..<6) == Array("line".utf8))
            let size = try #require(try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int)
            #expect(size < Self.text.count + 2000)
        }
    }

    @Test func nothingIsLeftOfAnUnfinishedFile() throws {
        try withScratchFolder { folder in
            do {
                let writer = try ZipWriter(folder.appendingPathComponent("a.zip"))
                try writer.add("a", Self.text)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }

    @Test func damageIsReported() throws {
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("a.zip")
            let writer = try ZipWriter(url)
            try writer.add("stored", Self.text)
            try writer.finish()
            var bytes = [UInt8](try Data(contentsOf: url))
            bytes[100] ^= 1
            try Data(bytes).write(to: url)
            let archive = try ZipArchive(contentsOf: url)
            #expect(throws: FileError.self) { try archive.read(archive.entries[0]) }
            try Data(bytes[..<200]).write(to: url)
            #expect(throws: FileError.self) { try ZipArchive(contentsOf: url) }
        }
    }

    /// Whatever bytes change, reading ends in content or an error.
    @Test func mutationsNeverCrash() throws {
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("a.zip")
            let writer = try ZipWriter(url, alignment: 64, forcesZip64: true)
            try writer.add("stored", Array(Self.text[..<100]))
            try writer.add("deflated", Self.text, deflated: true)
            try writer.finish()
            let original = [UInt8](try Data(contentsOf: url))
            var generator = RepeatableGenerator(1)
            for _ in 0..<1500 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                        [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &generator)!
                }
                if Bool.random(using: &generator) {
                    bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
                }
                try Data(bytes).write(to: url)
                guard let archive = try? ZipArchive(contentsOf: url) else { continue }
                for entry in archive.entries { _ = try? archive.read(entry) }
            }
        }
    }
}
