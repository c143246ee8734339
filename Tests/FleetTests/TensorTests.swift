import Federation
import Fleet
import Testing

@Suite struct TensorTests {
    /// What NumPy 2 writes.
    @Test func headersAreNumPys() throws {
        func header(_ text: String, _ spaces: Int) -> [UInt8] {
            let text = text + String(repeating: " ", count: spaces) + "\n"
            return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
        }
        #expect(
            NPYHeader(shape: [2, 3], type: .float32).bytes
                == header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 58))
        #expect(
            NPYHeader(shape: [], type: .float64).bytes
                == header("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 62))
        #expect(
            NPYHeader(shape: [3], type: .bool).bytes
                == header("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", 60))
        #expect(
            NPYHeader(shape: [10] + Array(repeating: 1, count: 17), type: .float64).bytes.count == 192)
        for type in ScalarType.allCases {
            for shape in [[], [0], [1], [5, 0, 2], [1 << 40], Array(repeating: 1, count: 32)] {
                let bytes = NPYHeader(shape: shape, type: type).bytes
                let (parsed, length) = try NPYHeader.parse(bytes + [1, 2])
                #expect(parsed == NPYHeader(shape: shape, type: type) && length == bytes.count && length % 64 == 0)
            }
        }
    }

    @Test(arguments: [
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "{'descr': '<f4', 'fortran_order': False, }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", "__import__('os')",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x",
    ])
    func headersThatAreRefused(_ text: String) {
        let bytes = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count + 1), 0] + Array((text + "\n").utf8)
        #expect(throws: FleetError.self) { try NPYHeader.parse(bytes) }
    }

    @Test func tensorsOfAllTypesAndSizes() throws {
        let chunk = ObjectHead.longestChunk
        let weights = Weights(
            ScalarType.allCases.map { tensor("of \($0)", [3, 5], $0, seed: 3) } + [
                tensor("scalar", [], seed: 4), tensor("empty", [0, 7], seed: 5),
                // One byte less than a chunk with its header, as many, and one more.
                tensor("below", [chunk - 129], .uint8, seed: 6), tensor("equal", [chunk - 128], .uint8, seed: 7),
                tensor("above", [chunk - 127], .uint8, seed: 8), tensor("large", [2, 1_400_000, 2], seed: 9),
            ])
        let objects = MemoryObjects()
        let tree = try (["arrays": .arrays(ArrayRecord(weights))] as RecordDict).write(to: objects)
        let read = try #require(try RecordDict(tree.root, in: objects).arrays("arrays")).tensors
        #expect(try read.whole() == weights)
        #expect(try read.whole(pieces: 1_000_003) == weights)
        let lengths = objects.all.values.filter { $0.kind == .arrayChunk }.map(\.body.count)
        #expect(lengths.max() == chunk && lengths.count == 8 + 2 + 1 + 1 + 2 + 5)
    }

    /// Equal chunks are one object, named in several places.
    @Test func zerosAreWrittenOnce() throws {
        let zeros = TensorDescription(name: "zeros", shape: [4 * ObjectHead.longestChunk], type: .uint8)
        let weights = Weights([
            Weights.Tensor(
                zeros,
                storage: TensorStorage(byteCount: zeros.byteCount) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
            )
        ])
        let objects = MemoryObjects()
        let tree = try (["arrays": .arrays(ArrayRecord(weights))] as RecordDict).write(to: objects)
        #expect(objects.all.values.filter { $0.kind == .arrayChunk }.count == 3)
        #expect(try RecordDict(tree.root, in: objects).arrays("arrays")?.tensors.whole() == weights)
    }

    @Test func packed() throws {
        let weights = Weights([
            tensor("a", [4, 3], seed: 1), tensor("n", [2], .int64, seed: 2), tensor("empty", [0], seed: 3),
            tensor("b", [], seed: 4), tensor("c", [1_500_000], seed: 5),
        ])
        let packed = try PackedTensors(weights)
        #expect(packed.descriptions.map(\.name) == ["packed", "n"])
        let objects = MemoryObjects()
        let tree = try (["arrays": .arrays(ArrayRecord(packed)), "layout": .config(packed.layout)] as RecordDict).write(
            to: objects)
        let read = try RecordDict(tree.root, in: objects)
        let (arrays, layout) = (try #require(read.arrays("arrays")).tensors, try #require(read.config("layout")))
        for pieces in [12, 1 << 16, 1 << 24] {
            #expect(try UnpackedTensors(arrays, layout: layout).whole(pieces: pieces) == weights)
        }
        for name in layout.names {
            var other = layout
            other[name] = nil
            #expect(throws: FleetError.self) { try UnpackedTensors(arrays, layout: other) }
        }
        for (name, value) in [
            ("names", .strings(["a", "a", "b", "c"])), ("ranks", .ints([2, 1, 0, 2])), ("ranks", .ints([-1, 1, 0, 1])),
            ("sizes", .ints([4, 3, 0, 1_500_001])), ("sizes", .ints([1 << 43, 1 << 43, 0, 1])),
            ("order", .strings(["a", "n", "b", "c"])), ("order", .strings(["a", "n", "empty", "b", "c", "c"])),
        ] as [(String, ConfigValue)] {
            var other = layout
            other[name] = value
            #expect(throws: FleetError.self, "\(name) \(value)") { try UnpackedTensors(arrays, layout: other) }
        }
    }

    /// Every sentence of the check is needed: an array whose parts do not fit is refused before a value is read.
    @Test func arraysThatDoNotFitAreRefused() throws {
        let objects = MemoryObjects()
        let chunk = FleetObject(
            .arrayChunk, body: NPYHeader(shape: [2], type: .float32).bytes + [0, 0, 0, 0, 0, 0, 0, 0])
        let short = FleetObject(.arrayChunk, body: Array(chunk.body.dropLast()))
        let text = FleetObject(.configRecord, body: [])
        for object in [chunk, short, text] { objects.take(object) }
        func record(_ body: String, _ children: [FleetObject]) throws -> any TensorSource {
            let array = FleetObject(.array, children: children.map(\.id), body: Array(body.utf8))
            let record = FleetObject(.arrayRecord, children: [array.id], body: Array("{\"a\": \"\(array.id)\"}".utf8))
            objects.take(array)
            objects.take(record)
            return try ObjectTensors(record.id, in: objects)
        }
        func body(_ dtype: String = "float32", _ shape: String = "[2]", _ chunks: String = "[0]") -> String {
            "{\"dtype\": \"\(dtype)\", \"shape\": \(shape), \"stype\": \"numpy.ndarray\", \"arraychunk_ids\": \(chunks)}"
        }
        #expect(try record(body(), [chunk]).descriptions == [TensorDescription(name: "a", shape: [2])])
        for (body, children) in [
            (body("float64"), [chunk]), (body("object"), [chunk]), (body("float32", "[3]"), [chunk]),
            (body("float32", "[2, 1]"), [chunk]), (body("float32", "[-2]"), [chunk]),
            (body("float32", "[2]", "[1]"), [chunk]), (body("float32", "[2]", "[]"), []),
            (body("float32", "[2]", "[0, 0]"), [chunk]), (body("float32", "[2]", "[0]"), [chunk, text]),
            (body(), [short]),
            (body(), [text]), ("{}", [chunk]), (body() + "x", [chunk]),
            (body().replacing("numpy", with: "pickle"), [chunk]),
        ] as [(String, [FleetObject])] {
            #expect(throws: FleetError.self, "\(body)") { try record(body, children) }
        }
        #expect(throws: FleetError.self) { try record(body(), [FleetObject(.arrayChunk, body: [9])]) }
    }
}
