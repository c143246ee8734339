import SwiftProtobuf

/// A message without its content: what travels ahead of the objects, and the body of the `Message` object.
public struct MessageEnvelope: Sendable, Hashable {
    public var metadata: Metadata
    /// Set where the message has no content.
    public var failure: MessageFailure?

    public init(_ metadata: Metadata, failure: MessageFailure? = nil) {
        self.metadata = metadata
        self.failure = failure
    }

    /// The `Message` object over this content; its id becomes the message's.
    public func object(content: ObjectID?) throws -> FleetObject {
        precondition((content == nil) == (failure != nil), "a message has either content or a failure")
        var message = Flwr_Proto_Message()
        message.metadata = metadata.message
        // The id is the hash of these bytes, so it cannot be among them.
        message.metadata.messageID = ""
        if let failure { message.error = failure.message }
        return FleetObject(
            .message, children: content.map { [$0] } ?? [], body: try message.serializedBytes())
    }

    /// Writes all objects of the message: its content's, where it has one, and its own.
    ///
    /// - Returns: the envelope with the message's id, and the tree; what push-messages asks for.
    public func write(
        _ content: RecordDict?, to sink: some ObjectSink
    ) throws -> (envelope: MessageEnvelope, tree: ObjectTree) {
        let records = try content?.write(to: sink)
        let object = try object(content: records?.root)
        let id = try sink.put(object)
        var named = self
        named.metadata.messageID = id
        return (named, records?.under(id) ?? ObjectTree([(id, [])]))
    }

    /// Reads a `Message` object.
    ///
    /// - Throws: `FleetError.malformed`, also where it has both content and a failure, or neither.
    public init(_ id: ObjectID, head: ObjectHead, body: [UInt8]) throws {
        guard head.kind == .message else { throw FleetError.malformed("\(head.kind.rawValue) stands for a message") }
        let message: Flwr_Proto_Message = try ProtobufBytes.parse(body)
        guard message.metadata.messageID.isEmpty, head.children.count == (message.hasError ? 0 : 1) else {
            throw FleetError.malformed("a message has both content and an error, or neither")
        }
        metadata = try Metadata(message.metadata)
        metadata.messageID = id
        failure = message.hasError ? MessageFailure(message.error) : nil
    }

    /// As it travels ahead: an empty record dict stands for the content.
    init(_ message: Flwr_Proto_Message) throws {
        guard message.hasMetadata, message.hasContent != message.hasError else {
            throw FleetError.malformed("a message has both content and an error, or neither")
        }
        metadata = try Metadata(message.metadata)
        failure = message.hasError ? MessageFailure(message.error) : nil
    }

    var message: Flwr_Proto_Message {
        var message = Flwr_Proto_Message()
        message.metadata = metadata.message
        if let failure { message.error = failure.message } else { message.content = Flwr_Proto_RecordDict() }
        return message
    }
}

extension MessageFailure {
    private static let longestReason = 4096

    init(_ message: Flwr_Proto_Error) {
        self.init(code: message.code, reason: String(message.reason.prefix(Self.longestReason)))
    }

    var message: Flwr_Proto_Error {
        var message = Flwr_Proto_Error()
        message.code = code
        message.reason = reason
        return message
    }
}
