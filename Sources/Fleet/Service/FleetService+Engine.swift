import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the engine of a run asks of the service.
extension FleetService {
    // MARK: Runs

    /// Makes a run known to nodes, or changes what they know of it; messages pass while it is running.
    ///
    /// - Parameter fab: the bundle that Flower's nodes load; its SHA-256 must be the run's `fabHash`.
    /// - Throws: `FleetError.record` where bundle and run do not fit; `FleetFailure` where it cannot be kept.
    public func open(_ run: FleetRun, fab: [UInt8]? = nil) async throws {
        if let fab {
            let hash = ObjectID(SHA256.hash(data: fab))
            guard hash.description == run.fabHash, fab.count <= FleetRun.largestFAB else {
                throw FleetError.record(
                    "the bundle has \(fab.count) bytes and the hash \(hash); up to \(FleetRun.largestFAB) bytes with the "
                        + "run's hash \(run.fabHash) are taken")
            }
            let url = fabURL(hash)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try DurableFile.write(to: url) { file in try fab.withUnsafeBytes { try file.write($0) } }
        }
        guard runs[run.id] != run else { return }
        try await keep(.run(run))
        runs[run.id] = run
        if run.status != .running { signals.fireAll() }
    }

    /// Ends a run: its nodes learn it with their next call, and its messages and replies go.
    public func close(_ runID: UInt64) async throws {
        guard var run = runs[runID] else { return }
        run.status = .finished
        try await open(run)
        for id in book.messages.filter({ $0.value.envelope.metadata.runID == runID }).keys { drop(id) }
        store.trim()
        signals.fireAll()
    }

    /// Ends all runs but one: what was left open by a server that was killed, or a run that failed.
    public func closeRuns(besides runID: UInt64) async throws {
        for id in runs.keys.sorted() where id != runID && runs[id]?.status != .finished { try await close(id) }
    }

    // MARK: Nodes

    /// All nodes and how they are, in the order of their names.
    public var nodes: [FleetNode] { registry.nodes(now: now()) }

    /// Every node that is registered, or that comes, goes or is unregistered, from now on; one that falls silent is
    /// not told: look at `nodes`.
    public func changes() -> AsyncStream<FleetNode> {
        let (stream, continuation) = AsyncStream.makeStream(of: FleetNode.self)
        observerCount += 1
        let number = observerCount
        observers[number] = continuation
        continuation.onTermination = { _ in Task { await self.forget(observer: number) } }
        return stream
    }

    private func forget(observer number: Int) { observers[number] = nil }

    /// Lets a key in under a name, where settings let in keys that are registered.
    ///
    /// - Returns: the key's node.
    /// - Throws: `FleetFailure` 412 where another node has the name.
    public func register(_ key: SigningKey, as name: SiteName) async throws(FleetFailure) -> UInt64 {
        try await registered(.key(pem: key.pem), name)
    }

    /// Lets a key in as `register(_:as:)`, in place of another key that had the name.
    public func replaceKey(_ key: SigningKey, of name: SiteName) async throws(FleetFailure) {
        let owner = NodeRegistry.Owner.key(pem: key.pem)
        for node in nodes where node.hasKey && node.status != .unregistered && registry.owner(of: node.id) != owner {
            if node.name == name { try await unregister(node.id) }
        }
        // A key may have come under another name before.
        if let id = registry.id(of: owner), registry.node(id, now: now())?.name != name { try await unregister(id) }
        _ = try await register(key, as: name)
    }

    /// Shuts a node out; what it was asked and has not answered will not be.
    public func unregister(_ id: UInt64) async throws(FleetFailure) {
        guard let node = registry.node(id, now: now()), node.status != .unregistered else { return }
        try await keep(.unregistered(id))
        registry.unregister(id)
        tell(id)
        for message in book.queue(of: id) {
            let reply = book.messages[message]?.reply.flatMap { book.replies[$0] }
            if reply == nil || reply?.push != nil { drop(message) }
            signals.fire(.reply(to: message))
        }
    }

    // MARK: Messages

    /// What the engine asks of a node.
    public struct Question: Sendable {
        /// Equal keys mean equal content: sent to the same node again, also after a restart, the earlier message and
        /// its reply are found. To several nodes, the content is written once.
        public var key: String
        public var runID: UInt64
        public var type: String
        public var group: String
        /// Seconds.
        public var timeToLive: Double

        public init(
            key: String, runID: UInt64, type: String, group: String = "",
            timeToLive: Double = Metadata.defaultTimeToLive
        ) {
            self.key = key
            self.runID = runID
            self.type = type
            self.group = group
            self.timeToLive = timeToLive
        }
    }

    /// Queues a message for a node; it is durable when this returns.
    ///
    /// - Parameter content: is called where no message with this key is there.
    /// - Returns: the message's id, for `reply(to:)`.
    /// - Throws: `FleetError.unknownNode`, `FleetError.noReply` where the run is not running, or what kept it from
    ///   being written: after `FederationError.fullDisk` it may be sent again.
    public func send(
        _ question: Question, to node: UInt64, _ content: @escaping @Sendable () throws -> RecordDict
    ) async throws -> ObjectID {
        let address = MessageBook.Address(node: node, key: question.key)
        if let sending = sends[address] { return try await sending.value }
        guard let state = registry.node(node, now: now())?.status, state != .unregistered else {
            throw FleetError.unknownNode(node)
        }
        guard runs[question.runID]?.status == .running else {
            throw FleetError.noReply("Run \(question.runID) is not running. Open it before anything is sent.")
        }
        if let earlier = book.message(to: address), let message = book.messages[earlier] {
            if message.envelope.metadata.expiresAt > now(), message.envelope.metadata.runID == question.runID {
                return earlier
            }
            drop(earlier)
        }
        let sending = Task { try await write(question, to: node, content) }
        sends[address] = sending
        defer { sends[address] = nil }
        return try await sending.value
    }

    private func write(
        _ question: Question, to node: UInt64, _ content: @escaping @Sendable () throws -> RecordDict
    ) async throws -> ObjectID {
        beginWriting()
        defer { endWriting() }
        let content = try await tree(of: question.key, content)
        var named = MessageEnvelope(
            Metadata(
                runID: question.runID, source: Metadata.server, destination: node, group: question.group,
                createdAt: now(), timeToLive: question.timeToLive, type: question.type))
        var object = try named.object(content: content.root)
        while book.messages[object.id] != nil {
            // The same content at the same instant, under another key: its time tells it apart.
            named.metadata.createdAt += 0.001
            object = try named.object(content: content.root)
        }
        let id = try store.put(object)
        named.metadata.messageID = id
        let message = MessageBook.Outgoing(envelope: named, tree: content.under(id), key: question.key)
        do {
            try files.write(id, named, message.tree)
            try await disk()
            try journal.append(.sent(id, key: question.key))
            try await journal.reachDisk()
        } catch {
            abandon(id)
            throw error
        }
        book.add(id, message)
        signals.fire(.message(node: node))
        return id
    }

    /// The objects of a content: those that are there, or those that are being written, or else new ones.
    private func tree(
        of key: String, _ content: @escaping @Sendable () throws -> RecordDict
    ) async throws -> ObjectTree {
        if let writing = contents[key] { return try await writing.value }
        if let message = book.message(of: key) { return message.content }
        let writing = Task.detached { [store] in try content().write(to: store) }
        contents[key] = writing
        defer { contents[key] = nil }
        return try await writing.value
    }

    /// Waits for the reply to a message.
    ///
    /// - Throws: `FleetError.noReply` where none will come: the message's time is over, its node was unregistered, or
    ///   its run ended.
    public func reply(to id: ObjectID) async throws -> FleetReply {
        while true {
            try Task.checkCancellation()
            let ticket = signals.ticket(for: .reply(to: id))
            defer { signals.giveBack(ticket) }
            guard let message = book.messages[id] else {
                throw FleetError.noReply(
                    "Message \(id) is not there any more: its run ended, its node was unregistered, or it was discarded."
                )
            }
            if let replyID = message.reply, let reply = book.replies[replyID], case .received = reply.state {
                return FleetReply(
                    metadata: reply.envelope.metadata, failure: reply.envelope.failure,
                    content: reply.tree.children(of: replyID).first, store: store)
            }
            let metadata = message.envelope.metadata
            let left = metadata.expiresAt - now()
            guard left > 0 else {
                throw FleetError.noReply(
                    "Node \(message.node) has not answered within \(metadata.timeToLive) s. Give its messages more time."
                )
            }
            await ticket.wait(atMost: .seconds(min(left, 3600)))
        }
    }

    /// Forgets a message and its reply; what only they needed goes from the disk.
    public func discard(_ id: ObjectID) {
        drop(id)
        signals.fire(.reply(to: id))
    }
}
