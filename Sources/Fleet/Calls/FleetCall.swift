import SwiftProtobuf

/// One of the calls with what it asks, as a value; objects that are pushed come as a stream: `PushObjectRequest`.
public enum FleetCall: Sendable, Equatable {
    case registerNode(publicKey: [UInt8])
    case activateNode(publicKey: [UInt8], heartbeatInterval: Double)
    case deactivateNode(UInt64)
    case unregisterNode(UInt64)
    case sendNodeHeartbeat(UInt64, interval: Double)
    case pullMessages(UInt64)
    case pushMessages(UInt64, MessageEnvelope, ObjectTree, runtime: Double?)
    case getRun(UInt64, runID: UInt64)
    case getFAB(UInt64, hash: String, runID: UInt64)
    case pullObject(UInt64, ObjectID, runID: UInt64)
    case confirmMessageReceived(UInt64, ObjectID, runID: UInt64)

    public var method: FleetMethod {
        switch self {
        case .registerNode: .registerNode
        case .activateNode: .activateNode
        case .deactivateNode: .deactivateNode
        case .unregisterNode: .unregisterNode
        case .sendNodeHeartbeat: .sendNodeHeartbeat
        case .pullMessages: .pullMessages
        case .pushMessages: .pushMessages
        case .getRun: .getRun
        case .getFAB: .getFAB
        case .pullObject: .pullObject
        case .confirmMessageReceived: .confirmMessageReceived
        }
    }

    /// The node that the caller says it is; nil where it gives a key instead.
    public var node: UInt64? {
        switch self {
        case .registerNode, .activateNode: nil
        case .deactivateNode(let node), .unregisterNode(let node), .sendNodeHeartbeat(let node, _),
            .pullMessages(let node), .pushMessages(let node, _, _, _), .getRun(let node, _), .getFAB(let node, _, _),
            .pullObject(let node, _, _), .confirmMessageReceived(let node, _, _):
            node
        }
    }
}

extension FleetCall {
    /// Reads the body of a call other than push-object.
    ///
    /// - Throws: `FleetError.malformed`.
    public init(_ method: FleetMethod, body: [UInt8]) throws {
        guard body.count <= method.longestRequest else {
            throw FleetError.malformed("a call of \(body.count) bytes; \(method.longestRequest) is the most")
        }
        func id(_ text: String) throws -> ObjectID {
            guard let id = ObjectID(text) else { throw FleetError.malformed("an object is asked for by no id") }
            return id
        }
        switch method {
        case .registerNode:
            let request: Flwr_Proto_RegisterNodeFleetRequest = try ProtobufBytes.parse(body)
            self = .registerNode(publicKey: [UInt8](request.publicKey))
        case .activateNode:
            let request: Flwr_Proto_ActivateNodeRequest = try ProtobufBytes.parse(body)
            self = .activateNode(
                publicKey: [UInt8](request.publicKey), heartbeatInterval: request.heartbeatInterval)
        case .deactivateNode:
            let request: Flwr_Proto_DeactivateNodeRequest = try ProtobufBytes.parse(body)
            self = .deactivateNode(request.nodeID)
        case .unregisterNode:
            let request: Flwr_Proto_UnregisterNodeFleetRequest = try ProtobufBytes.parse(body)
            self = .unregisterNode(request.nodeID)
        case .sendNodeHeartbeat:
            let request: Flwr_Proto_SendNodeHeartbeatRequest = try ProtobufBytes.parse(body)
            self = .sendNodeHeartbeat(request.node.nodeID, interval: request.heartbeatInterval)
        case .pullMessages:
            let request: Flwr_Proto_PullMessagesRequest = try ProtobufBytes.parse(body)
            self = .pullMessages(request.node.nodeID)
        case .pushMessages:
            let request: Flwr_Proto_PushMessagesRequest = try ProtobufBytes.parse(body)
            guard request.messagesList.count == 1, request.messageObjectTrees.count == 1 else {
                throw FleetError.malformed("a push of \(request.messagesList.count) messages; one is taken at a time")
            }
            let envelope = try MessageEnvelope(request.messagesList[0])
            let tree = try ObjectTree(request.messageObjectTrees[0])
            guard envelope.metadata.messageID == tree.root else {
                throw FleetError.malformed("a message's id is not that of its tree")
            }
            self = .pushMessages(
                request.node.nodeID, envelope, tree, runtime: request.clientappRuntimeList.first)
        case .getRun:
            let request: Flwr_Proto_GetRunRequest = try ProtobufBytes.parse(body)
            self = .getRun(request.node.nodeID, runID: request.runID)
        case .getFAB:
            let request: Flwr_Proto_GetFabRequest = try ProtobufBytes.parse(body)
            self = .getFAB(request.node.nodeID, hash: request.hashStr, runID: request.runID)
        case .pushObject: preconditionFailure("push-object is read as a stream: PushObjectRequest.Reader")
        case .pullObject:
            let request: Flwr_Proto_PullObjectRequest = try ProtobufBytes.parse(body)
            self = .pullObject(request.node.nodeID, try id(request.objectID), runID: request.runID)
        case .confirmMessageReceived:
            let request: Flwr_Proto_ConfirmMessageReceivedRequest = try ProtobufBytes.parse(body)
            self = .confirmMessageReceived(
                request.node.nodeID, try id(request.messageObjectID), runID: request.runID)
        }
    }

    /// The body of the call.
    public var body: [UInt8] {
        get throws {
            func node(_ id: UInt64) -> Flwr_Proto_Node { .with { $0.nodeID = id } }
            let message: any SwiftProtobuf.Message
            switch self {
            case .registerNode(let key):
                message = Flwr_Proto_RegisterNodeFleetRequest.with { $0.publicKey = ProtobufBytes.data(key) }
            case .activateNode(let key, let interval):
                message = Flwr_Proto_ActivateNodeRequest.with {
                    $0.publicKey = ProtobufBytes.data(key)
                    $0.heartbeatInterval = interval
                }
            case .deactivateNode(let id): message = Flwr_Proto_DeactivateNodeRequest.with { $0.nodeID = id }
            case .unregisterNode(let id): message = Flwr_Proto_UnregisterNodeFleetRequest.with { $0.nodeID = id }
            case .sendNodeHeartbeat(let id, let interval):
                message = Flwr_Proto_SendNodeHeartbeatRequest.with {
                    $0.node = node(id)
                    $0.heartbeatInterval = interval
                }
            case .pullMessages(let id): message = Flwr_Proto_PullMessagesRequest.with { $0.node = node(id) }
            case .pushMessages(let id, let envelope, let tree, let runtime):
                message = Flwr_Proto_PushMessagesRequest.with {
                    $0.node = node(id)
                    $0.messagesList = [envelope.message]
                    $0.messageObjectTrees = [tree.message]
                    $0.clientappRuntimeList = runtime.map { [$0] } ?? []
                }
            case .getRun(let id, let runID):
                message = Flwr_Proto_GetRunRequest.with {
                    $0.node = node(id)
                    $0.runID = runID
                }
            case .getFAB(let id, let hash, let runID):
                message = Flwr_Proto_GetFabRequest.with {
                    $0.node = node(id)
                    $0.hashStr = hash
                    $0.runID = runID
                }
            case .pullObject(let id, let object, let runID):
                message = Flwr_Proto_PullObjectRequest.with {
                    $0.node = node(id)
                    $0.objectID = object.description
                    $0.runID = runID
                }
            case .confirmMessageReceived(let id, let object, let runID):
                message = Flwr_Proto_ConfirmMessageReceivedRequest.with {
                    $0.node = node(id)
                    $0.messageObjectID = object.description
                    $0.runID = runID
                }
            }
            return try message.serializedBytes()
        }
    }
}
