import SwiftProtobuf

/// What a call is answered with, as a value; an object that is pulled comes as a stream: `PullObjectAnswer`.
public enum FleetAnswer: Sendable, Equatable {
    case registered(UInt64)
    case activated(UInt64)
    /// Of calls that have nothing to say: deactivate-node, unregister-node, confirm-message-received.
    case done
    /// Whether the server knows the node.
    case heartbeat(Bool)
    /// The next message and its objects, if there is one.
    case message(MessageEnvelope?, ObjectTree?)
    case push(PushAnswer)
    case run(FleetRun)
    case fab(hash: String, content: [UInt8])
    /// Whether the object is kept.
    case stored(Bool)

    /// The answer to push-messages.
    public struct PushAnswer: Sendable, Equatable {
        public var message: ObjectID
        /// Whether the server wants the message: it does not where it has another reply, or no longer waits for one.
        public var isTaken: Bool
        /// What it lacks of it; nothing where all is durable.
        public var missing: [ObjectID]
        /// To be given with each object; empty where nothing is missing.
        public var session: String
    }
}

extension FleetAnswer {
    /// The body of the answer.
    public var body: [UInt8] {
        get throws {
            let message: any SwiftProtobuf.Message
            switch self {
            case .registered(let id): message = Flwr_Proto_RegisterNodeFleetResponse.with { $0.nodeID = id }
            case .activated(let id): message = Flwr_Proto_ActivateNodeResponse.with { $0.nodeID = id }
            case .done: return []
            case .heartbeat(let isKnown): message = Flwr_Proto_SendNodeHeartbeatResponse.with { $0.success = isKnown }
            case .message(let envelope, let tree):
                message = Flwr_Proto_PullMessagesResponse.with {
                    $0.messagesList = envelope.map { [$0.message] } ?? []
                    $0.messageObjectTrees = tree.map { [$0.message] } ?? []
                }
            case .push(let answer):
                message = Flwr_Proto_PushMessagesResponse.with {
                    $0.reconnect.reconnect = 5
                    $0.results = [answer.message.description: answer.isTaken ? 0 : 1]
                    $0.objectsToPush = answer.missing.map(\.description)
                    $0.sessionID = answer.session
                }
            case .run(let run): message = Flwr_Proto_GetRunResponse.with { $0.run = run.message }
            case .fab(let hash, let content):
                message = Flwr_Proto_GetFabResponse.with {
                    $0.fab.hashStr = hash
                    $0.fab.content = ProtobufBytes.data(content)
                }
            case .stored(let isStored): message = Flwr_Proto_PushObjectResponse.with { $0.stored = isStored }
            }
            return try message.serializedBytes()
        }
    }

    /// Reads the answer to a call other than pull-object.
    ///
    /// - Throws: `FleetError.malformed`.
    public init(_ method: FleetMethod, body: [UInt8]) throws {
        switch method {
        case .registerNode:
            let answer: Flwr_Proto_RegisterNodeFleetResponse = try ProtobufBytes.parse(body)
            self = .registered(answer.nodeID)
        case .activateNode:
            let answer: Flwr_Proto_ActivateNodeResponse = try ProtobufBytes.parse(body)
            self = .activated(answer.nodeID)
        case .deactivateNode, .unregisterNode, .confirmMessageReceived: self = .done
        case .sendNodeHeartbeat:
            let answer: Flwr_Proto_SendNodeHeartbeatResponse = try ProtobufBytes.parse(body)
            self = .heartbeat(answer.success)
        case .pullMessages:
            let answer: Flwr_Proto_PullMessagesResponse = try ProtobufBytes.parse(body)
            guard let message = answer.messagesList.first else {
                self = .message(nil, nil)
                return
            }
            guard let tree = answer.messageObjectTrees.first else {
                throw FleetError.malformed("a message comes without its tree")
            }
            let (envelope, objects) = (try MessageEnvelope(message), try ObjectTree(tree))
            guard envelope.metadata.messageID == objects.root else {
                throw FleetError.malformed("a message's id is not that of its tree")
            }
            self = .message(envelope, objects)
        case .pushMessages:
            let answer: Flwr_Proto_PushMessagesResponse = try ProtobufBytes.parse(body)
            let missing = try answer.objectsToPush.map { text in
                guard let id = ObjectID(text) else { throw FleetError.malformed("an object is asked for by no id") }
                return id
            }
            guard let (message, result) = answer.results.first, let id = ObjectID(message) else {
                throw FleetError.malformed("a push is answered without a result")
            }
            self = .push(PushAnswer(message: id, isTaken: result == 0, missing: missing, session: answer.sessionID))
        case .getRun:
            let answer: Flwr_Proto_GetRunResponse = try ProtobufBytes.parse(body)
            self = .run(FleetRun(answer.run))
        case .getFAB:
            let answer: Flwr_Proto_GetFabResponse = try ProtobufBytes.parse(body)
            self = .fab(hash: answer.fab.hashStr, content: [UInt8](answer.fab.content))
        case .pushObject:
            let answer: Flwr_Proto_PushObjectResponse = try ProtobufBytes.parse(body)
            self = .stored(answer.stored)
        case .pullObject: preconditionFailure("pull-object is answered with a stream: PullObjectAnswer.Reader")
        }
    }
}
