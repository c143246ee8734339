import SwiftProtobuf

/// A push-object call without its object, which comes or goes as a stream.
public struct PushObjectRequest: Sendable, Equatable {
    public var node: UInt64
    public var runID: UInt64
    public var object: ObjectID
    public var session: String

    /// The longest body of the call: the longest object, and a few fields around it.
    public static let longest = ObjectHead.longest + (16 << 20) + 4096

    public init(node: UInt64, runID: UInt64, object: ObjectID, session: String) {
        self.node = node
        self.runID = runID
        self.object = object
        self.session = session
    }

    /// What stands before and after an object of so many bytes in the body of the call.
    public func around(byteCount: Int) throws -> (before: [UInt8], after: [UInt8]) {
        var before: [UInt8] = try Flwr_Proto_PushObjectRequest.with {
            $0.node.nodeID = node
            $0.runID = runID
            $0.objectID = object.description
        }.serializedBytes()
        before.append(4 << 3 | 2)
        before.appendVarint(byteCount)
        return (before, try Flwr_Proto_PushObjectRequest.with { $0.sessionID = session }.serializedBytes())
    }

    /// Reads the fields that came before the object, or all of them.
    init(fields: [UInt8]) throws {
        let request: Flwr_Proto_PushObjectRequest = try ProtobufBytes.parse(fields)
        guard let object = ObjectID(request.objectID) else {
            throw FleetError.malformed("an object is pushed under no id, or its id comes after it")
        }
        guard request.sessionID.utf8.count <= 64 else { throw FleetError.malformed("a session's name is too long") }
        self.init(
            node: request.node.nodeID, runID: request.runID, object: object, session: request.sessionID)
    }
}

extension [UInt8] {
    mutating func appendVarint(_ value: Int) {
        var value = UInt64(value)
        while value >= 128 {
            append(UInt8(value & 127) | 128)
            value >>= 7
        }
        append(UInt8(value))
    }
}
