/// Where a message comes from, where it goes, and until when it counts.
public struct Metadata: Sendable, Hashable {
    public var runID: UInt64
    /// The id of the message's object; nil until it has one.
    public var messageID: ObjectID?
    public var source: UInt64
    public var destination: UInt64
    /// The message that this one replies to.
    public var replyTo: ObjectID?
    /// What groups messages: the round, as text.
    public var group: String
    /// Seconds since 1970.
    public var createdAt: Double
    /// Seconds that the message counts.
    public var timeToLive: Double
    /// What the receiver shall do: `train`, `evaluate` or `query`, perhaps with `.` and a name.
    public var type: String
    public var sourceTask: UInt64?
    public var destinationTask: UInt64?

    /// Flower's number of the server itself.
    public static let server: UInt64 = 1
    /// Flower's 12 hours.
    public static let defaultTimeToLive: Double = 43_200

    public init(
        runID: UInt64, messageID: ObjectID? = nil, source: UInt64, destination: UInt64, replyTo: ObjectID? = nil,
        group: String = "", createdAt: Double, timeToLive: Double = Metadata.defaultTimeToLive, type: String,
        sourceTask: UInt64? = nil, destinationTask: UInt64? = nil
    ) {
        self.runID = runID
        self.messageID = messageID
        self.source = source
        self.destination = destination
        self.replyTo = replyTo
        self.group = group
        self.createdAt = createdAt
        self.timeToLive = timeToLive
        self.type = type
        self.sourceTask = sourceTask
        self.destinationTask = destinationTask
    }

    public var expiresAt: Double { createdAt + timeToLive }

    /// The metadata of a reply to this message, which counts as long as this one does.
    public func reply(createdAt: Double) -> Metadata {
        Metadata(
            runID: runID, source: destination, destination: source, replyTo: messageID, group: group,
            createdAt: createdAt, timeToLive: expiresAt - createdAt, type: type, sourceTask: destinationTask,
            destinationTask: sourceTask)
    }
}

extension Metadata {
    init(_ message: Flwr_Proto_Metadata) throws {
        func id(_ text: String) throws -> ObjectID? {
            if text.isEmpty { return nil }
            guard let id = ObjectID(text) else { throw FleetError.malformed("a message is named by no id") }
            return id
        }
        guard message.createdAt.isFinite, message.ttl.isFinite, message.ttl > 0 else {
            throw FleetError.malformed("a message's time to live is no time")
        }
        guard (1...256).contains(message.messageType.utf8.count), message.groupID.utf8.count <= 256 else {
            throw FleetError.malformed("a message has no type, or a type or group longer than 256 bytes")
        }
        self.init(
            runID: message.runID, messageID: try id(message.messageID), source: message.srcNodeID,
            destination: message.dstNodeID, replyTo: try id(message.replyToMessageID), group: message.groupID,
            createdAt: message.createdAt, timeToLive: message.ttl, type: message.messageType,
            sourceTask: message.hasSrcTaskID ? message.srcTaskID : nil,
            destinationTask: message.hasDstTaskID ? message.dstTaskID : nil)
    }

    var message: Flwr_Proto_Metadata {
        var message = Flwr_Proto_Metadata()
        message.runID = runID
        message.messageID = messageID?.description ?? ""
        message.srcNodeID = source
        message.dstNodeID = destination
        message.replyToMessageID = replyTo?.description ?? ""
        message.groupID = group
        message.ttl = timeToLive
        message.messageType = type
        message.createdAt = createdAt
        if let sourceTask { message.srcTaskID = sourceTask }
        if let destinationTask { message.dstTaskID = destinationTask }
        return message
    }
}
