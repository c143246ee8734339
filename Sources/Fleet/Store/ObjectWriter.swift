import Crypto

/// One object on its way into a store: checked as it comes, hashed as it is written.
///
/// Dropped before `finish`, it leaves nothing behind.
public final class ObjectWriter {
    public let id: ObjectID
    private let children: [ObjectID]?
    private let store: ObjectStore
    /// All of it, as long as it is small; a file is begun when it no longer is.
    private var small: [UInt8] = []
    private var file: PartialFile?
    private var hash = SHA256()
    private var head: ObjectHead?
    private var headLength = 0
    /// Until the head is whole.
    private var beginning: [UInt8] = []
    private var bodyByteCount = 0

    init(_ id: ObjectID, children: [ObjectID]?, in store: ObjectStore) {
        (self.id, self.children, self.store) = (id, children, store)
    }

    /// Takes the next bytes.
    ///
    /// - Throws: `FleetError.malformed` or `wrongObject` as soon as the object cannot be right, before more is taken;
    ///   `FederationError.fullDisk` or `file` where it cannot be written.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard !bytes.isEmpty else { return }
        if let head {
            bodyByteCount += bytes.count
            guard bodyByteCount <= head.bodyLength else { throw longer(than: head) }
        } else {
            try takeHead(bytes)
        }
        hash.update(bufferPointer: bytes)
        try keep(bytes)
    }

    private func keep(_ bytes: UnsafeRawBufferPointer) throws {
        if file == nil, small.count + bytes.count <= ObjectSegments.longestObject {
            small += bytes
            return
        }
        let file = file ?? PartialFile(in: store, length: headLength + (head?.bodyLength ?? 0))
        self.file = file
        try file.write { file in
            try small.withUnsafeBytes { try file.write($0) }
            try file.write(bytes)
        }
        small = []
    }

    private func takeHead(_ bytes: UnsafeRawBufferPointer) throws {
        let longest = children.map { ($0.count + 1) * 65 + 64 } ?? ObjectHead.longest
        let before = beginning.count
        beginning += bytes.prefix(longest)
        // Looked at when it may be whole, and early for rubbish: never again with each piece of a long one.
        guard before < 32 || bytes.contains(0) || beginning.count >= longest else { return }
        guard let (head, length) = try ObjectHead.parse(beginning) else {
            guard beginning.count < longest else { throw FleetError.malformed("an object's head does not end") }
            return
        }
        if let children, head.children != children {
            throw FleetError.wrongObject(id, fact: "its children are not those of its message's tree")
        }
        (self.head, headLength) = (head, length)
        bodyByteCount = before + bytes.count - length
        beginning = []
        guard bodyByteCount <= head.bodyLength else { throw longer(than: head) }
    }

    private func longer(than head: ObjectHead) -> FleetError {
        .wrongObject(id, fact: "its body is longer than the \(head.bodyLength) bytes that its head says")
    }

    /// The object has its place in the store when this returns.
    ///
    /// - Throws: `FleetError.wrongObject` where bytes are missing, or where they are not those that the id names.
    public func finish() throws {
        guard let head, bodyByteCount == head.bodyLength else {
            throw FleetError.wrongObject(
                id, fact: "it ends after \(bodyByteCount) of \(head.map { "\($0.bodyLength)" } ?? "unknown") bytes")
        }
        let found = ObjectID(hash.finalize())
        guard found == id else { throw FleetError.wrongObject(id, fact: "its hash is \(found)") }
        if let file { return try file.keep(as: id) }
        try small.withUnsafeBytes { try store.segments.add(id, [$0]) }
    }
}
