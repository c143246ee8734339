import Federation
import Fleet
import Testing

/// Bytes and ids of flwr 1.41.0's own classes.
@Suite struct ObjectTests {
    private let records: RecordDict = [
        "arrays": .arrays(
            ArrayRecord(
                Weights([
                    Weights.Tensor("größe.w", [0, 1, 2], shape: [3]),
                    Weights.Tensor(
                        TensorDescription(name: "b", shape: [], type: .int64),
                        storage: TensorStorage(byteCount: 8) { $0.storeBytes(of: 7, as: Int64.self) }),
                ]))),
        "metrics": .metrics([
            "num-examples": .int(32), "loss": .double(0.5), "history": .doubles([1, -2]), "big": .uint(.max),
            "ids": .ints([1, -2]),
        ]),
        "config": .config([
            "server-round": .int(3), "lr": .double(0.25), "on": .bool(true), "name": .string("a \"b\""),
            "raw": .bytes([0, 255]), "names": .strings(["x", "y"]), "flags": .bools([true, false]),
            "blobs": .byteStrings([[], [122]]), "none": .bools([]),
        ]),
    ]

    @Test func messagesHaveFlowersIDs() throws {
        let objects = MemoryObjects()
        let envelope = MessageEnvelope(
            Metadata(
                runID: 7, source: 1, destination: 99, group: "3", createdAt: 1_800_000_000.5, timeToLive: 3600,
                type: "train", destinationTask: 0))
        let (named, tree) = try envelope.write(records, to: objects)
        #expect(
            tree.ids.map(\.description) == [
                "75d4769b5e28b5b377278859dff7b0ed000f277f61d3e6c339f0d86759341661",
                "cdb7dd676f961c533de0731d674fe0c7781a366070615f89e2bcfb40a8288cf2",
                "ec836da60695c70929324c9082a1b77e88f14c5c83965f5bdd8f97998dd2bc29",
                "bac0600245c7e92d3a956dfa5d3dccdd6bc164bd3b436d861e6dde3381d0d6f9",
                "22dbd79bf20e0b11eb459d67517180cfe5653a18fa0e454464f4d18357c9d950",
                "6ac881560927107a24dfbe0680faa2fe9a5d80ed8063f1e4cac61b5bf9b421fd",
                "b912935889e55f4e0fdfda42065a686ce5f380ee4648578c6c558b29d428f22c",
                "9b65431345169446aab735b6d43bb586eea9218310b60ad9dd11136d0dbbb5a3",
                "34ec19193324e2c5a98f70e63942fc3d0ffb9f7c5e6c4919306adbbcf00a262f",
            ])
        #expect(named.metadata.messageID == tree.root)
        var failed = MessageEnvelope(
            named.metadata.reply(createdAt: 1_800_000_001), failure: MessageFailure(.appRaised, reason: "no disk"))
        #expect(failed.metadata.timeToLive == 3599.5)
        failed.metadata.sourceTask = nil
        #expect(
            try failed.object(content: nil).id.description
                == "abec461e3198bbae2c719bf8b0ec69e066b4fbc9820b14aa347f59d1d5e79ac8")
    }

    @Test func whatIsWrittenIsRead() throws {
        let objects = MemoryObjects()
        let tree = try records.write(to: objects)
        let read = try RecordDict(tree.root, in: objects)
        #expect(read.names == records.names)
        #expect(read.metrics("metrics") == records.metrics("metrics"))
        #expect(read.config("config") == records.config("config"))
        #expect(try read.arrays("arrays")?.tensors.whole() == records.arrays("arrays")?.tensors.whole())
    }

    @Test func bytesOfAnArray() throws {
        let object = try FleetObject(
            Array(
                "Array 75d4769b5e28b5b377278859dff7b0ed000f277f61d3e6c339f0d86759341661 83\0{\"dtype\": \"float32\", \"shape\": [3], \"stype\": \"numpy.ndarray\", \"arraychunk_ids\": [0]}"
                    .utf8),
            id: ObjectID("cdb7dd676f961c533de0731d674fe0c7781a366070615f89e2bcfb40a8288cf2"))
        #expect(object.kind == .array)
        #expect(
            object.head.children.map(\.description) == [
                "75d4769b5e28b5b377278859dff7b0ed000f277f61d3e6c339f0d86759341661"
            ])
    }

    @Test(arguments: [
        "", "ArrayChunk", "ArrayChunk  3", "ArrayChunk  3\0ab", "ArrayChunk  3\0abcd", "ArrayChunk  03\0abc",
        "ArrayChunk  +3\0abc", "ArrayChunk  -1\0", "ArrayChunk 3\0abc", "ArrayChunk  3 \0abc", "Pickle  3\0abc",
        "ArrayChunk  99999999999999999999\0abc", "ArrayChunk  5242881\0abc", "Array ../../etc/passwd 3\0abc",
        "Array 75D4769b5e28b5b377278859dff7b0ed000f277f61d3e6c339f0d86759341661 0\0",
        "Array 75d4769b5e28b5b377278859dff7b0ed000f277f61d3e6c339f0d86759341661,75d4769b5e28b5b377278859dff7b0ed000f277f61d3e6c339f0d86759341661 0\0",
        "Array 75d4769b5e28b5b377278859dff7b0ed000f277f61d3e6c339f0d86759341661, 0\0",
        "an object of no known kind at all",
    ])
    func objectsThatAreNone(_ text: String) {
        #expect(throws: FleetError.self) { try FleetObject(Array(text.utf8)) }
    }

    @Test func idsAreExactlyThat() {
        let text = String(repeating: "0a", count: 32)
        #expect(ObjectID(text)?.description == text)
        for wrong in [
            "", "..", String(text.dropLast()), text + "0", text.uppercased(), "g" + text.dropFirst(),
            "é" + text.dropFirst(2),
        ] {
            #expect(ObjectID(wrong) == nil, "\(wrong)")
        }
    }

    @Test func aHashThatIsAnothersIsRefused() throws {
        let object = FleetObject(.arrayChunk, body: [1, 2, 3])
        #expect(throws: FleetError.self) { try FleetObject(object.bytes, id: FleetObject(.arrayChunk, body: [1]).id) }
        #expect(try FleetObject(object.bytes, id: object.id) == object)
    }
}
