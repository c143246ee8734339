import CLinux
import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Objects as files named by their ids, in 256 folders: `objects/ab/cdef...`; small ones together in segments.
///
/// A file has its name, and an object its place, only when all of it is there and its hash is right. That says nothing of
/// the disk: call `makeDurable` before anyone is told that objects are kept. Opened for the first time since the machine
/// began, a store hashes all of its objects and takes those away that the disk did not take in time.
public final class ObjectStore: ObjectSink, ObjectSource {
    public let folder: URL
    let incoming: String
    let segments: ObjectSegments
    let spare: SpareFiles
    private let root: String

    /// Opens or makes a store; what was half written in it is taken away.
    public init(_ folder: URL) throws {
        self.folder = folder
        root = folder.path
        incoming = root + "/incoming"
        let files = FileManager.default
        do {
            try? files.removeItem(atPath: incoming)
            try files.createDirectory(atPath: incoming, withIntermediateDirectories: true)
            try? files.removeItem(atPath: root + "/spare")
            try files.createDirectory(atPath: root + "/spare", withIntermediateDirectories: true)
            spare = SpareFiles(in: root + "/spare")
            for first in 0..<256 {
                let digits = String(first, radix: 16)
                try files.createDirectory(
                    at: folder.appending(path: first < 16 ? "0" + digits : digits), withIntermediateDirectories: true)
            }
            let small = root + "/segments"
            try files.createDirectory(atPath: small, withIntermediateDirectories: true)
            segments = try ObjectSegments(in: small)
        } catch {
            throw FleetError.storage("The folder \(folder.path) of the objects cannot be made")
        }
        try checkOncePerBoot()
    }

    private func checkOncePerBoot() throws {
        let stamp = folder.appending(path: "boot")
        // Where a system does not tell one beginning from another, each time is the first.
        let boot = (try? Data(contentsOf: URL(filePath: "/proc/sys/kernel/random/boot_id"))) ?? Data()
        if !boot.isEmpty, (try? Data(contentsOf: stamp)) == boot { return }
        for id in largeObjects() where (try? hash(of: id)) != id { unlink(path(id)) }
        try DurableFile.write(to: stamp) { file in try boot.withUnsafeBytes { try file.write($0) } }
    }

    private func hash(of id: ObjectID) throws -> ObjectID {
        var hash = SHA256()
        let length = byteCount(of: id) ?? 0
        var buffer = [UInt8](repeating: 0, count: min(length, 1 << 20))
        for start in stride(from: 0, to: length, by: 1 << 20) {
            try buffer.withUnsafeMutableBytes { buffer in
                let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(length - start))
                try readWhole(id, at: start, into: piece)
                hash.update(bufferPointer: UnsafeRawBufferPointer(piece))
            }
        }
        return ObjectID(hash.finalize())
    }

    /// Made by hand: a URL is parsed whenever something is added to it, which took longer than to open the file.
    func path(_ id: ObjectID) -> String {
        let name = id.description
        return "\(root)/\(name.prefix(2))/\(name.dropFirst(2))"
    }

    /// Whether all of the object is there.
    public func contains(_ id: ObjectID) -> Bool { segments.length(of: id) != nil || access(path(id), F_OK) == 0 }

    // MARK: Writing

    public func put(_ head: ObjectHead, _ body: UnsafeRawBufferPointer) throws -> ObjectID {
        precondition(body.count == head.bodyLength, "an object's head has the length of its body")
        let bytes = head.bytes
        let id = FleetObject.id(bytes, body)
        if contains(id) { return id }
        if bytes.count + body.count <= ObjectSegments.longestObject {
            try bytes.withUnsafeBytes { try segments.add(id, [$0, body]) }
            return id
        }
        let partial = PartialFile(in: self, length: bytes.count + body.count)
        try partial.write { file in
            try bytes.withUnsafeBytes { try file.write($0) }
            try file.write(body)
        }
        try partial.keep(as: id)
        return id
    }

    /// Takes an object that arrives in pieces.
    ///
    /// - Parameters:
    ///   - id: what its hash must be.
    ///   - children: what its head must name; any where nil.
    public func begin(_ id: ObjectID, children: [ObjectID]? = nil) -> ObjectWriter {
        ObjectWriter(id, children: children, in: self)
    }

    // MARK: Reading

    public func head(of id: ObjectID) throws -> ObjectHead { try headAndLength(of: id).head }

    public func read(_ id: ObjectID, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        try readWhole(id, at: headAndLength(of: id).length + offset, into: buffer)
    }

    /// How many bytes the object has, its head among them; nil where it is not there.
    public func byteCount(of id: ObjectID) -> Int? {
        if let length = segments.length(of: id) { return length }
        var status = stat()
        return stat(path(id), &status) == 0 ? Int(status.st_size) : nil
    }

    /// Fills the buffer with bytes of the object, its head among them: what is sent to one who asks for it.
    public func readWhole(_ id: ObjectID, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        if try segments.read(id, at: offset, into: buffer) { return }
        try open(id).read(into: buffer, at: offset)
    }

    private func open(_ id: ObjectID) throws -> DurableFile {
        do { return try DurableFile(path: path(id), flags: O_RDONLY) } catch {
            if errno == ENOENT || !contains(id) { throw FleetError.missingObject(id) }
            throw error
        }
    }

    private func headAndLength(of id: ObjectID) throws -> (head: ObjectHead, length: Int) {
        guard let size = byteCount(of: id) else { throw FleetError.missingObject(id) }
        // Chunks, which are read most, have short heads.
        var count = min(size, 128)
        while true {
            let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                try readWhole(id, at: 0, into: UnsafeMutableRawBufferPointer(buffer))
                filled = count
            }
            if let parsed = try ObjectHead.parse(bytes) {
                guard parsed.length + parsed.head.bodyLength == size else {
                    throw FleetError.wrongObject(id, fact: "its file has \(size) bytes")
                }
                return parsed
            }
            guard count < size else { throw FleetError.wrongObject(id, fact: "its file is cut short") }
            count = min(size, max(count * 16, 1 << 16))
        }
    }

    // MARK: Keeping

    /// All that was written before is on the disk when this returns.
    ///
    /// One `syncfs` for everything: 130 files of 1 MB took it 0.1 s where `fdatasync` one by one, with their folders,
    /// took 0.5 to 1 s; ten small ones 5 ms and 70 ms (ext4). It also waits for what other programs wrote.
    public func makeDurable() throws {
        let descriptor = Self.openFolder(folder.path)
        guard descriptor >= 0 else { throw FleetError.storage("The folder \(folder.path) cannot be opened") }
        defer { close(descriptor) }
        guard syncfs(descriptor) == 0 else {
            throw FleetError.storage("The disk did not take what was written (\(String(cString: strerror(errno))))")
        }
    }

    private static func openFolder(_ path: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        #elseif canImport(Musl)
            Musl.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        #else
            Darwin.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        #endif
    }

    /// Takes objects away; those that are not there stay so.
    public func remove(_ ids: some Sequence<ObjectID>) {
        for id in ids where !segments.remove(id) { spare.keep(path(id)) }
    }

    /// Gives back the room of objects that were taken away: nothing more is to come soon.
    public func trim() { spare.clear() }

    /// All ids in the store.
    public func all() -> [ObjectID] { largeObjects() + segments.all }

    private func largeObjects() -> [ObjectID] {
        let files = FileManager.default
        let folders = (try? files.contentsOfDirectory(atPath: root)) ?? []
        return folders.filter { $0.count == 2 }.flatMap { first -> [ObjectID] in
            let rest = (try? files.contentsOfDirectory(atPath: "\(root)/\(first)")) ?? []
            return rest.compactMap { ObjectID(first + $0) }
        }
    }
}
