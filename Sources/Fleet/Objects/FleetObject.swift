import Crypto

/// One object in memory: a small one, or a chunk that is just being made or read.
public struct FleetObject: Sendable, Equatable {
    public let id: ObjectID
    public let head: ObjectHead
    public let body: [UInt8]

    public init(_ kind: ObjectKind, children: [ObjectID] = [], body: [UInt8]) {
        let head = ObjectHead(kind, children: children, bodyLength: body.count)
        (self.head, self.body) = (head, body)
        id = body.withUnsafeBytes { Self.id(head.bytes, $0) }
    }

    /// Reads an object from all of its bytes.
    ///
    /// - Parameter id: what its hash must be; any where nil.
    /// - Throws: `FleetError.malformed`, `FleetError.wrongObject`.
    public init(_ bytes: [UInt8], id expected: ObjectID? = nil) throws {
        guard let (head, start) = try ObjectHead.parse(bytes) else {
            throw FleetError.malformed("an object ends in its head")
        }
        guard bytes.count - start == head.bodyLength else {
            throw FleetError.malformed(
                "an object has a body of \(bytes.count - start) bytes, and its head says \(head.bodyLength)")
        }
        id = bytes.withUnsafeBytes { Self.id([], $0) }
        if let expected, expected != id { throw FleetError.wrongObject(expected, fact: "its hash is \(id)") }
        self.head = head
        body = Array(bytes[start...])
    }

    public var kind: ObjectKind { head.kind }
    public var bytes: [UInt8] { head.bytes + body }

    static func id(_ head: [UInt8], _ body: UnsafeRawBufferPointer) -> ObjectID {
        var hash = SHA256()
        hash.update(data: head)
        hash.update(bufferPointer: body)
        return ObjectID(hash.finalize())
    }
}
