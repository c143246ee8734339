import Foundation
import NNUNet
import Testing

@Suite struct PickleTests {
    /// One of everything that either protocol can hold.
    static let everything: PickleValue = .dictionary([
        ("none", .none), ("flags", .list([.bool(true), .bool(false)])),
        ("integers", .list([0, 255, 256, 65535, 65536, -1, .max, .min].map { .integer($0) })),
        ("number", .number(0.1)), ("text", .string("naïve — ✓" + String(repeating: "x", count: 300))),
        ("bytes", .bytes([0, 127, 128, 255])), ("long bytes", .bytes((0..<700).map { UInt8($0 & 255) })),
        ("empty", .tuple([.list([]), .tuple([]), .dictionary([])])),
        ("tuples", .tuple([.tuple([.integer(1)]), .tuple([.integer(1), .integer(2)])])),
        ("scalar", .float64(0.25)), ("set", .set([.integer(3)])),
        ("array", .array(NumericArray([Int64](0..<12), shape: [3, 4]))),
        ("ordered", .orderedDictionary(PickleDictionary([(.integer(1), .string("one"))]))),
        ("device", .device("cuda:1")), ("size", .size([2, 3])), ("type", .global("torch.float32")),
        (
            "tensor",
            .tensor(TensorReference(storage: TensorStorage(key: "0", type: .bfloat16, count: 6), shape: [2, 3]))
        ),
    ])

    @Test(arguments: [Pickler.PickleProtocol.two, .four])
    func roundTrip(version: Pickler.PickleProtocol) throws {
        let bytes = try Pickler.bytes(of: Self.everything, protocol: version)
        #expect(try Unpickler.value(of: bytes) == Self.everything)
    }

    /// What CPython writes in its oldest protocol for {'a': [1, 2.5, None, True], 'b': (1,)}.
    @Test func oldestProtocol() throws {
        let text = "(dp0\nVa\np1\n(lp2\nI1\naF2.5\naNaI01\nasVb\np3\n(I1\ntp4\ns."
        let value = try Unpickler.value(of: Array(text.utf8))
        #expect(
            value
                == .dictionary([
                    ("a", .list([.integer(1), .number(2.5), .none, .bool(true)])), ("b", .tuple([.integer(1)])),
                ]))
    }

    @Test func codeIsRefusedByName() throws {
        for text in ["cos\nsystem\n(S'true'\ntR.", "c__builtin__\neval\n.", "cposix\nsystem\n."] {
            let name = text.dropFirst().split(separator: "\n")[..<2].joined(separator: ".")
            #expect(throws: FileError.forbiddenGlobal(file: "x", name: name)) {
                try Unpickler.value(of: Array(text.utf8), file: "x")
            }
        }
        let harmless = try Unpickler.value(of: Array("cmy.module\nname\n.".utf8), allowing: ["my.module.name"])
        #expect(harmless == .global("my.module.name"))
        #expect(throws: FileError.self) {
            try Unpickler.value(of: Array("cmy.module\nname\n)R.".utf8), allowing: ["my.module.name"])
        }
    }

    @Test func bombsAreRefused() throws {
        // Ten references to ten references to …
        var bomb: [UInt8] = [0x80, 4, 0x4b, 1, 0x94]
        for level in UInt8(0)..<20 {
            bomb += [0x5d, 0x28] + [UInt8](repeating: 0x68, count: 20).flatMap { [$0, level] } + [0x65, 0x94]
        }
        #expect(throws: FileError.self) { try Unpickler.value(of: bomb + [0x2e]) }
        // A list in a list in a list …
        let deep = [UInt8](repeating: 0x5d, count: 200_000) + [UInt8](repeating: 0x61, count: 199_999) + [0x2e]
        #expect(throws: FileError.self) { try Unpickler.value(of: deep) }
        // A list in itself.
        #expect(throws: FileError.self) { try Unpickler.value(of: [0x5d, 0x94, 0x68, 0, 0x61, 0x2e]) }
        // Lengths that the file does not have.
        for header: [UInt8] in [[0x8d], [0x8e], [0x96]] {
            #expect(throws: FileError.self) { try Unpickler.value(of: header + [UInt8](repeating: 0xff, count: 8)) }
            #expect(throws: FileError.self) { try Unpickler.value(of: header + [0, 0, 0, 0, 0, 1, 0, 0]) }
        }
        // One long text encoded again and again.
        var encodings = Array("c_codecs\nencode\nq\u{0}0X".utf8) + [0, 0, 1, 0]
        encodings += [UInt8](repeating: 0x61, count: 65536) + [0x71, 1, 0x30]
        encodings += Array("X\u{6}\u{0}\u{0}\u{0}latin1q\u{2}0".utf8)
        for _ in 0..<1000 { encodings += [0x68, 0, 0x68, 1, 0x68, 2, 0x86, 0x52, 0x30] }
        #expect(throws: FileError.self) { try Unpickler.value(of: encodings + [0x4e, 0x2e]) }
    }

    /// Whatever bytes change, reading ends in a value or an error.
    @Test func mutationsNeverCrash() throws {
        var generator = RepeatableGenerator(3)
        for version in [Pickler.PickleProtocol.two, .four] {
            let original = try Pickler.bytes(of: Self.everything, protocol: version)
            var errors = 0
            for _ in 0..<20000 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    let position = Int.random(in: 0..<bytes.count, using: &generator)
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                    case 1: bytes.remove(at: position)
                    default: bytes.insert(original.randomElement(using: &generator)!, at: position)
                    }
                }
                do { _ = try Unpickler.value(of: bytes) } catch {
                    #expect(error is FileError)
                    errors += 1
                }
            }
            #expect(errors > 1000)
        }
    }

    /// Streams of arbitrary instructions.
    @Test func noiseNeverCrashes() {
        let instructions =
            Array("(.012FGIJKLMNQRSTUVX]abcdeghjlpqrstu}\u{80}\u{81}\u{85}\u{86}\u{87}\u{88}".unicodeScalars)
            .map { UInt8($0.value) } + [0x8a, 0x8c, 0x8f, 0x90, 0x91, 0x93, 0x94]
        var generator = RepeatableGenerator(4)
        for _ in 0..<20000 {
            let bytes = (0..<60).map { _ in
                Int.random(in: 0..<4, using: &generator) == 0
                    ? UInt8.random(in: 0...5, using: &generator) : instructions.randomElement(using: &generator)!
            }
            _ = try? Unpickler.value(of: bytes)
        }
    }
}
