import Fleet
import Synchronization

/// Objects in memory: the store's other half in tests.
final class MemoryObjects: ObjectSink, ObjectSource {
    private let objects = Mutex<[ObjectID: FleetObject]>([:])

    var all: [ObjectID: FleetObject] { objects.withLock { $0 } }

    func put(_ head: ObjectHead, _ body: UnsafeRawBufferPointer) throws -> ObjectID {
        let object = FleetObject(head.kind, children: head.children, body: Array(body))
        objects.withLock { $0[object.id] = object }
        return object.id
    }

    func take(_ object: FleetObject) { objects.withLock { $0[object.id] = object } }

    func head(of id: ObjectID) throws -> ObjectHead { try object(id).head }

    func read(_ id: ObjectID, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        let body = try object(id).body
        guard offset >= 0, offset + buffer.count <= body.count else {
            throw FleetError.wrongObject(id, fact: "it is too short")
        }
        buffer.copyBytes(from: body[offset..<offset + buffer.count])
    }

    func readWhole(_ id: ObjectID, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        let bytes = try object(id).bytes
        guard offset >= 0, offset + buffer.count <= bytes.count else {
            throw FleetError.wrongObject(id, fact: "it is too short")
        }
        buffer.copyBytes(from: bytes[offset..<offset + buffer.count])
    }

    func object(_ id: ObjectID) throws -> FleetObject {
        guard let object = all[id] else { throw FleetError.missingObject(id) }
        return object
    }
}
