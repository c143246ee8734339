/// Messages that are under way and the replies to them: the state that the journal tells.
struct MessageBook {
    /// A message to a node.
    struct Outgoing {
        var envelope: MessageEnvelope
        var tree: ObjectTree
        /// The engine's name for its content.
        var key: String
        /// Whether the node has all of it.
        var isConfirmed = false
        /// The reply that has begun to come or is there.
        var reply: ObjectID?

        var node: UInt64 { envelope.metadata.destination }

        /// The objects without that of the message itself.
        var content: ObjectTree { ObjectTree(tree.ids.dropLast().map { ($0, tree.children(of: $0)) }) }
    }

    /// A reply from a node.
    struct Reply {
        var envelope: MessageEnvelope
        var tree: ObjectTree
        var state: State

        enum State {
            case coming(Push)
            case received
        }

        var node: UInt64 { envelope.metadata.source }
        var push: Push? { if case .coming(let push) = state { push } else { nil } }
    }

    /// A reply on its way.
    struct Push {
        var session: String
        var missing: Set<ObjectID>
        /// Bytes of the objects that came.
        var byteCount = 0
        var expiresAt: Double
        /// Set when all objects are there: it makes them durable.
        var completion: Task<Void, any Error>?

        /// Flower's time without an object after which a push is given up, in seconds.
        static let patience = 180.0
    }

    struct Address: Hashable {
        var node: UInt64
        var key: String
    }

    private(set) var messages: [ObjectID: Outgoing] = [:]
    private(set) var replies: [ObjectID: Reply] = [:]
    /// Messages to each node, oldest first.
    private var queues: [UInt64: [ObjectID]] = [:]
    private var byAddress: [Address: ObjectID] = [:]
    private var byKey: [String: Set<ObjectID>] = [:]
    private var references: [ObjectID: Int] = [:]

    func queue(of node: UInt64) -> [ObjectID] { queues[node] ?? [] }
    func message(to address: Address) -> ObjectID? { byAddress[address] }
    /// A message with this content, to any node.
    func message(of key: String) -> Outgoing? { byKey[key]?.first.flatMap { messages[$0] } }
    func isReferenced(_ id: ObjectID) -> Bool { references[id] != nil }

    /// Replies of this node that hold the object.
    func replies(of node: UInt64, with object: ObjectID) -> [(id: ObjectID, reply: Reply)] {
        queue(of: node).compactMap { id in
            guard let replyID = messages[id]?.reply, let reply = replies[replyID], reply.tree.contains(object) else {
                return nil
            }
            return (replyID, reply)
        }
    }

    mutating func add(_ id: ObjectID, _ message: Outgoing) {
        guard messages[id] == nil else { return }
        messages[id] = message
        queues[message.node, default: []].append(id)
        byAddress[Address(node: message.node, key: message.key)] = id
        byKey[message.key, default: []].insert(id)
        retain(message.tree)
    }

    mutating func add(_ id: ObjectID, _ reply: Reply) {
        guard replies[id] == nil, let message = reply.envelope.metadata.replyTo, messages[message] != nil else {
            return
        }
        replies[id] = reply
        messages[message]?.reply = id
        retain(reply.tree)
    }

    mutating func setConfirmed(_ id: ObjectID, _ isConfirmed: Bool) { messages[id]?.isConfirmed = isConfirmed }

    mutating func setReceived(_ id: ObjectID) { replies[id]?.state = .received }

    /// Changes what is known of a reply on its way; nothing where it is none.
    mutating func update(_ id: ObjectID, _ change: (inout Push) -> Void) {
        guard var push = replies[id]?.push else { return }
        change(&push)
        replies[id]?.state = .coming(push)
    }

    /// Forgets a message with its reply, or a reply.
    ///
    /// - Returns: the ids of what was forgotten, and objects that nothing refers to any more.
    mutating func drop(_ id: ObjectID) -> (ids: [ObjectID], objects: [ObjectID]) {
        if let message = messages.removeValue(forKey: id) {
            queues[message.node]?.removeAll { $0 == id }
            if queues[message.node]?.isEmpty == true { queues[message.node] = nil }
            let address = Address(node: message.node, key: message.key)
            if byAddress[address] == id { byAddress[address] = nil }
            byKey[message.key]?.remove(id)
            if byKey[message.key]?.isEmpty == true { byKey[message.key] = nil }
            let reply: (ids: [ObjectID], objects: [ObjectID]) = message.reply.map { drop($0) } ?? ([], [])
            return ([id] + reply.ids, release(message.tree) + reply.objects)
        }
        if let reply = replies.removeValue(forKey: id) {
            if let message = reply.envelope.metadata.replyTo, messages[message]?.reply == id {
                messages[message]?.reply = nil
            }
            return ([id], release(reply.tree))
        }
        return ([], [])
    }

    private mutating func retain(_ tree: ObjectTree) { for id in tree.ids { references[id, default: 0] += 1 } }

    private mutating func release(_ tree: ObjectTree) -> [ObjectID] {
        tree.ids.filter { id in
            guard let count = references[id], count > 1 else {
                references[id] = nil
                return true
            }
            references[id] = count - 1
            return false
        }
    }

    /// What the journal must say for this to come back.
    var journal: [MessageJournal.Entry] {
        queues.keys.sorted().flatMap { queue(of: $0) }.flatMap { id -> [MessageJournal.Entry] in
            guard let message = messages[id] else { return [] }
            var entries = [MessageJournal.Entry.sent(id, key: message.key)]
            if message.isConfirmed { entries.append(.confirmed(id)) }
            if let replyID = message.reply, let reply = replies[replyID] {
                entries.append(.receiving(replyID, session: reply.push?.session ?? ""))
                if case .received = reply.state { entries.append(.received(replyID)) }
            }
            return entries
        }
    }
}
