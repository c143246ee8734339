/// Where objects go as they are made, on several threads at once.
public protocol ObjectSink: Sendable {
    /// Takes one object; its bytes are valid only during the call.
    func put(_ head: ObjectHead, _ body: UnsafeRawBufferPointer) throws -> ObjectID
}

extension ObjectSink {
    func put(_ object: FleetObject) throws -> ObjectID { try object.body.withUnsafeBytes { try put(object.head, $0) } }
}

/// Where objects are read, in pieces.
public protocol ObjectSource: Sendable {
    /// - Throws: `FleetError.missingObject`.
    func head(of id: ObjectID) throws -> ObjectHead
    /// Fills the buffer with bytes of the object's body.
    ///
    /// - Throws: `FleetError.missingObject`, or another where the body ends before the buffer does.
    func read(_ id: ObjectID, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws
    /// Fills the buffer with bytes of the object, its head among them: where the head's length is known, the quicker way.
    func readWhole(_ id: ObjectID, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws
}

extension ObjectSource {
    /// A whole object of this kind.
    ///
    /// - Throws: `FleetError.record` where it is of another kind.
    func object(_ id: ObjectID, _ kind: ObjectKind) throws -> (head: ObjectHead, body: [UInt8]) {
        let head = try head(of: id)
        guard head.kind == kind else {
            throw FleetError.record("\(head.kind.rawValue) stands where \(kind.rawValue) belongs")
        }
        let body = try [UInt8](unsafeUninitializedCapacity: head.bodyLength) { buffer, count in
            try read(id, at: 0, into: UnsafeMutableRawBufferPointer(buffer))
            count = head.bodyLength
        }
        return (head, body)
    }
}
