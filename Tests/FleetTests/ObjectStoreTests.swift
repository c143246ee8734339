import Federation
import Fleet
import Foundation
import Testing

@Suite struct ObjectStoreTests {
    private func chunk(_ count: Int, seed: UInt64 = 1) -> FleetObject {
        var random = SeededRandom(seed)
        return FleetObject(.arrayChunk, body: (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }

    private func write(_ bytes: [UInt8], as id: ObjectID, pieces: Int, to store: ObjectStore) throws {
        let writer = store.begin(id)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try bytes[start..<min(bytes.count, start + pieces)].withUnsafeBytes { try writer.write($0) }
        }
        try writer.finish()
    }

    /// Files of a store, those half written among them.
    private func files(_ folder: URL) -> Int {
        FileManager.default.enumerator(atPath: folder.path)!.compactMap { $0 as? String }.filter {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: folder.appending(path: $0).path, isDirectory: &isFolder)
            return !isFolder.boolValue && $0 != "boot"
        }.count
    }

    @Test(arguments: [1, 7, 4096, 10 << 20]) func objectsInPieces(_ pieces: Int) throws {
        let folder = try TemporaryFolder()
        let store = try ObjectStore(folder.url)
        let object = chunk(pieces == 1 ? 500 : 3 << 20)
        try write(object.bytes, as: object.id, pieces: pieces, to: store)
        #expect(store.contains(object.id) && store.byteCount(of: object.id) == object.bytes.count)
        #expect(try store.head(of: object.id) == object.head)
        var body = [UInt8](repeating: 0, count: 100)
        try body.withUnsafeMutableBytes { try store.read(object.id, at: 42, into: $0) }
        #expect(body == Array(object.body[42..<142]))
        #expect(throws: (any Error).self) {
            try body.withUnsafeMutableBytes { try store.read(object.id, at: object.body.count - 99, into: $0) }
        }
        // A store on the same folder has it, and what was half written is gone.
        let half = store.begin(object.id)
        try object.bytes.prefix(50).withUnsafeBytes { try half.write($0) }
        let again = try ObjectStore(folder.url)
        #expect(again.all() == [object.id] && files(folder.url) == 1)
        again.remove([object.id])
        #expect(!again.contains(object.id) && isMissing(object.id, again))
    }

    private func isMissing(_ id: ObjectID, _ store: ObjectStore) -> Bool {
        do { _ = try store.head(of: id) } catch FleetError.missingObject(id) { return true } catch {}
        return false
    }

    @Test func whatIsNotTheObjectIsRefused() throws {
        let folder = try TemporaryFolder()
        let store = try ObjectStore(folder.url)
        let object = chunk(10_000)
        var wrong = object.bytes
        wrong[5000] ^= 1
        for bytes in [wrong, object.bytes.dropLast(), object.bytes + [0], [], Array(object.bytes.prefix(5))].map(
            Array.init)
        {
            #expect(throws: FleetError.self) { try write(bytes, as: object.id, pieces: 1000, to: store) }
            #expect(files(folder.url) == 0)
        }
        let other = store.begin(object.id, children: [object.id])
        #expect(throws: FleetError.self) { try object.bytes.withUnsafeBytes { try other.write($0) } }
    }

    /// The next object is written over one that was taken away, whatever their sizes; what is refused leaves nothing.
    @Test func filesAreWrittenOver() throws {
        let folder = try TemporaryFolder()
        let store = try ObjectStore(folder.url)
        var kept: [FleetObject] = []
        for (index, count) in [100_000, 40_000, 200_000, 40_001].enumerated() {
            let object = chunk(count, seed: UInt64(index))
            if index % 2 == 0 {
                _ = try object.body.withUnsafeBytes { try store.put(object.head, $0) }
            } else {
                try write(object.bytes, as: object.id, pieces: 7_000, to: store)
            }
            kept.append(object)
            if index == 1 { store.remove(kept.map(\.id)) }
        }
        #expect(files(folder.url) == 2)  // the two that are left, in the files of the first two
        for object in kept[2...] {
            var whole = [UInt8](repeating: 0, count: object.bytes.count)
            try whole.withUnsafeMutableBytes { try store.readWhole(object.id, at: 0, into: $0) }
            #expect(whole == object.bytes && store.byteCount(of: object.id) == whole.count)
        }
        store.remove([kept[2].id])
        let longer = chunk(300_000, seed: 9)
        #expect(throws: FleetError.self) {
            try write(Array(longer.bytes.dropLast()), as: longer.id, pieces: 50_000, to: store)
        }
        #expect(store.all() == [kept[3].id])
        store.trim()
        #expect(files(folder.url) == 1)
    }

    /// What a power cut left of an object that nobody was told of is not taken for the object.
    @Test func objectsAreHashedOncePerBoot() throws {
        let folder = try TemporaryFolder()
        let object = chunk(100_000)
        var store = try ObjectStore(folder.url)
        try write(object.bytes, as: object.id, pieces: 7_000, to: store)
        let name = object.id.description
        let file = folder.url.appending(path: "\(name.prefix(2))/\(name.dropFirst(2))")
        var torn = object.bytes
        torn[70_000] ^= 1
        try Data(torn).write(to: file)
        let boot = folder.url.appending(path: "boot")
        if try !Data(contentsOf: boot).isEmpty {
            store = try ObjectStore(folder.url)
            #expect(store.contains(object.id))  // the machine runs since: the page cache has it
        }
        try Data("another".utf8).write(to: boot)
        store = try ObjectStore(folder.url)
        #expect(!store.contains(object.id))
        try write(object.bytes, as: object.id, pieces: 7_000, to: store)
        try Data("another".utf8).write(to: boot)
        #expect(try ObjectStore(folder.url).contains(object.id))
    }

    /// What is too long is refused with its head, before its body is taken.
    @Test func sizesAreRefusedBeforeBytesAreTaken() throws {
        let folder = try TemporaryFolder()
        let store = try ObjectStore(folder.url)
        let id = FleetObject(.arrayChunk, body: []).id
        for head in [
            "ArrayChunk  5242881\0", "ConfigRecord  16777217\0", "Array  99999999999\0", "nothing that is known",
        ] {
            let writer = store.begin(id)
            #expect(throws: FleetError.self) { try Array(head.utf8).withUnsafeBytes { try writer.write($0) } }
        }
        let writer = store.begin(id)
        try Array("Array ".utf8).withUnsafeBytes { try writer.write($0) }
        #expect(throws: FleetError.self) {
            for _ in 0..<200 {
                try [UInt8](repeating: 48, count: 1 << 16).withUnsafeBytes { try writer.write($0) }
            }
        }
        let known = store.begin(id, children: [])
        #expect(throws: FleetError.self) {
            try Array(("Array " + String(repeating: "0", count: 200)).utf8).withUnsafeBytes { try known.write($0) }
        }
    }

    @Test func smallObjectsShareAFile() throws {
        let folder = try TemporaryFolder()
        var store = try ObjectStore(folder.url)
        let objects = (0..<300).map { chunk(1 + Int($0) * 100, seed: UInt64($0)) }
        for (index, object) in objects.enumerated() {
            if index % 2 == 0 {
                try write(object.bytes, as: object.id, pieces: 1000, to: store)
            } else {
                _ = try object.body.withUnsafeBytes { try store.put(object.head, $0) }
            }
        }
        func check(_ objects: [FleetObject]) throws {
            #expect(Set(store.all()) == Set(objects.map(\.id)))
            for object in objects {
                var bytes = [UInt8](repeating: 0, count: try #require(store.byteCount(of: object.id)))
                try bytes.withUnsafeMutableBytes { try store.readWhole(object.id, at: 0, into: $0) }
                #expect(bytes == object.bytes)
            }
        }
        try check(objects)
        #expect(files(folder.url) == 1)
        store = try ObjectStore(folder.url)
        try check(objects)
        // What is added later goes elsewhere; a file goes with the last of its objects.
        let late = chunk(77, seed: 999)
        try write(late.bytes, as: late.id, pieces: 10, to: store)
        #expect(files(folder.url) == 2)
        store.remove(objects.dropFirst().map(\.id))
        try check([objects[0], late])
        #expect(files(folder.url) == 2)
        store.remove([objects[0].id])
        try check([late])
        #expect(files(folder.url) == 1)
    }

    /// As a crash leaves it: cut at any byte, or with bytes that never came.
    @Test func aTornSegmentHoldsWhatIsWholeInIt() throws {
        let folder = try TemporaryFolder()
        let store = try ObjectStore(folder.url)
        let objects = (0..<3).map { chunk(500, seed: UInt64($0)) }
        for object in objects { try write(object.bytes, as: object.id, pieces: 100, to: store) }
        let file = folder.url.appending(path: "segments/0")
        let whole = try Data(contentsOf: file)
        let record = whole.count / 3
        for cut in [0, 1, record - 1, record, record + 3, record + 40, 2 * record, 3 * record - 1] {
            try whole.prefix(cut).write(to: file)
            let kept = Set(objects.prefix(cut / record).map(\.id))
            #expect(Set(try ObjectStore(folder.url).all()) == kept, "\(cut)")
        }
        for place in [0, 2, 10, record - 1] {
            var wrong = whole
            wrong[record + place] ^= 0x40
            try wrong.write(to: file)
            #expect(try ObjectStore(folder.url).all() == [objects[0].id], "\(place)")
        }
    }

    @Test func oneObjectFromManySides() async throws {
        let folder = try TemporaryFolder()
        let store = try ObjectStore(folder.url)
        let object = chunk(200_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for side in 0..<16 {
                group.addTask {
                    if side % 2 == 0 {
                        try write(object.bytes, as: object.id, pieces: 1000 + side, to: store)
                    } else {
                        _ = try object.body.withUnsafeBytes { try store.put(object.head, $0) }
                    }
                }
            }
            try await group.waitForAll()
        }
        try store.makeDurable()
        #expect(store.all() == [object.id] && files(folder.url) == 1)
        let bytes = try Data(
            contentsOf: folder.url.appending(path: "\(object.id)".prefix(2) + "/" + "\(object.id)".dropFirst(2)))
        #expect([UInt8](bytes) == object.bytes)
    }

    /// On a disk of 1 MiB, which only root can make.
    @Test(.enabled(if: getuid() == 0 && SmallDisk.canMount, "only where a small disk can be mounted"))
    func aFullDiskLeavesNothing() throws {
        let disk = try SmallDisk()
        let store = try ObjectStore(disk.url)
        let object = chunk(3 << 20)
        for pieces in [1 << 16, 8 << 20] {
            let error = #expect(throws: FederationError.self) {
                try write(object.bytes, as: object.id, pieces: pieces, to: store)
            }
            #expect("\(error!)".contains("is full"))
            #expect(files(disk.url) == 0)
        }
        #expect(throws: FederationError.self) { try object.body.withUnsafeBytes { try store.put(object.head, $0) } }
        #expect(files(disk.url) == 0)
        let small = chunk(1000)
        try write(small.bytes, as: small.id, pieces: 100, to: store)
        #expect(store.contains(small.id))
    }
}

/// A file system of 1 MiB, for as long as someone holds it.
final class SmallDisk {
    let url = FileManager.default.temporaryDirectory.appending(path: "fleet-disk-\(UInt64.random(in: 0 ... .max))")

    static let canMount: Bool = (try? SmallDisk()) != nil

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        guard Self.run(["mount", "-t", "tmpfs", "-o", "size=1m", "fleet", url.path]) else {
            rmdir(url.path)
            throw CocoaError(.fileWriteNoPermission)
        }
    }

    deinit {
        _ = Self.run(["umount", url.path])
        rmdir(url.path)
    }

    private static func run(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
