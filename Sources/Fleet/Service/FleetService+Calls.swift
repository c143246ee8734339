#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension FleetService {
    /// What a call is answered with: a value, or an object from the store.
    public enum Response: Sendable {
        case answer(FleetAnswer)
        case object(PullObjectAnswer)
    }

    /// Carries out a call; push-object, which comes as a stream, is `PushObjectReception`.
    ///
    /// - Parameters:
    ///   - waiting: how long pull-messages may wait for a message where none is there.
    ///   - name: what a new node would be called, where any key is let in.
    /// - Throws: `FleetFailure`.
    public func answer(
        _ call: FleetCall, from caller: Caller, waiting: Duration = .zero, name: SiteName? = nil
    ) async throws(FleetFailure) -> Response {
        if let node = call.node, call.method != .unregisterNode { try check(node, caller) }
        switch call {
        case .registerNode(let key): return .answer(.registered(try await register(key, caller, name)))
        case .activateNode(let key, let interval):
            return .answer(.activated(try activate(key, interval: interval, caller)))
        case .deactivateNode(let node):
            try deactivate(node)
            return .answer(.done)
        case .unregisterNode(let node):
            try await unregister(node, caller)
            return .answer(.done)
        case .sendNodeHeartbeat(let node, let interval):
            guard FleetNode.intervals.contains(interval) else { throw FleetFailure.heartbeatInterval }
            let wasOnline = registry.node(node, now: now())?.status == .online
            registry.lives(node, interval: interval, now: now())
            if !wasOnline { try tellOnline(node, interval: interval) }
            return .answer(.heartbeat(true))
        case .pullMessages(let node):
            let (envelope, tree) = try await nextMessage(for: node, waiting: waiting)
            return .answer(.message(envelope, tree))
        case .pushMessages(let node, let envelope, let tree, _):
            return .answer(.push(try await beginReply(from: node, envelope, tree)))
        case .getRun(_, let runID):
            guard let run = runs[runID] else { throw FleetFailure.getRun }
            try checkRun(runID)
            return .answer(.run(run))
        case .getFAB(_, let hash, let runID):
            guard let run = runs[runID] else { throw FleetFailure.getFAB }
            try checkRun(runID)
            guard !hash.isEmpty, run.fabHash == hash, let content = fab(hash) else { throw FleetFailure.getFAB }
            return .answer(.fab(hash: hash, content: content))
        case .pullObject(let node, let id, let runID):
            try checkRun(runID)
            return .object(object(id, for: node, runID: runID))
        case .confirmMessageReceived(let node, let id, let runID):
            try checkRun(runID)
            guard let message = book.messages[id] else { return .answer(.done) }
            guard message.node == node else { throw FleetFailure.notAuthenticated }
            if !message.isConfirmed {
                try note(.confirmed(id))
                book.setConfirmed(id, true)
            }
            return .answer(.done)
        }
    }

    // MARK: Nodes

    private func register(_ key: [UInt8], _ caller: Caller, _ wanted: SiteName?) async throws(FleetFailure) -> UInt64 {
        let owner = try owner(caller)
        if case .certificate(let name) = owner { return try await registered(owner, name) }
        guard case .key(let callerKey) = caller, settings.keys == .any else { throw FleetFailure.registrationDisabled }
        try Self.check(key, is: callerKey)
        if let wanted, !registry.isTaken(wanted, besides: owner) { return try await registered(owner, wanted) }
        return try await registered(owner, SiteName("node-" + callerKey.description.prefix(12))!)
    }

    /// The node of this owner; a new one where it has none.
    func registered(_ owner: NodeRegistry.Owner, _ name: SiteName) async throws(FleetFailure) -> UInt64 {
        if let id = registry.id(of: owner) { return id }
        guard !registry.isTaken(name, besides: owner) else { throw FleetFailure.keyInUse }
        var id: UInt64
        repeat { id = .random(in: 2 ... .max) } while registry.owner(of: id) != nil
        try note(.registered(id, name: name, owner))
        registry.register(id, name, owner)
        tell(id)
        do { try await journal.reachDisk() } catch { throw FleetFailure.cannotStore }
        return id
    }

    private func activate(_ key: [UInt8], interval: Double, _ caller: Caller) throws(FleetFailure) -> UInt64 {
        let owner = try owner(caller)
        if case .key(let callerKey) = caller { try Self.check(key, is: callerKey) }
        guard FleetNode.intervals.contains(interval) else { throw FleetFailure.heartbeatInterval }
        guard let id = registry.id(of: owner) else { throw FleetFailure.activation }
        registry.lives(id, interval: interval, now: now())
        try tellOnline(id, interval: interval)
        // A node that begins anew may have lost what it had.
        for message in book.queue(of: id) {
            guard let state = book.messages[message], state.isConfirmed, state.reply == nil else { continue }
            try note(.again(message))
            book.setConfirmed(message, false)
        }
        return id
    }

    private func tellOnline(_ id: UInt64, interval: Double) throws(FleetFailure) {
        try note(.active(id, interval: interval))
        tell(id)
    }

    private func deactivate(_ id: UInt64) throws(FleetFailure) {
        switch registry.node(id, now: now())?.status {
        case .online:
            try note(.inactive(id))
            registry.deactivate(id, now: now())
            tell(id)
        case .offline: break
        case .registered, .unregistered, nil: throw FleetFailure.deactivation
        }
    }

    private func unregister(_ id: UInt64, _ caller: Caller) async throws(FleetFailure) {
        // Also a node that is unregistered already, so that the call may come twice.
        guard registry.owner(of: id) == (try owner(caller)) else { throw FleetFailure.notAuthenticated }
        if case .key = caller, settings.keys != .any { throw FleetFailure.unregistrationDisabled }
        try await unregister(id)
    }

    private static func check(_ bytes: [UInt8], is key: SigningKey) throws(FleetFailure) {
        guard let pem = String(validating: bytes, as: UTF8.self), let found = try? SigningKey(pem: pem), found == key
        else { throw FleetFailure.notAuthenticated }
    }

    /// Tells those who watch how a node is.
    func tell(_ id: UInt64) {
        guard let node = registry.node(id, now: now()) else { return }
        for observer in observers.values { observer.yield(node) }
    }

    // MARK: Messages

    private func nextMessage(
        for node: UInt64, waiting: Duration
    ) async throws(FleetFailure) -> (MessageEnvelope?, ObjectTree?) {
        let ticket = signals.ticket(for: .message(node: node))
        defer { signals.giveBack(ticket) }
        if let message = try waitingMessage(for: node) { return (message.envelope, message.tree) }
        guard waiting > .zero else { return (nil, nil) }
        await ticket.wait(atMost: waiting)
        guard let message = try waitingMessage(for: node) else { return (nil, nil) }
        return (message.envelope, message.tree)
    }

    /// The oldest message that the node lacks. It is given again until the node confirms that it has all of it.
    private func waitingMessage(for node: UInt64) throws(FleetFailure) -> MessageBook.Outgoing? {
        for id in book.queue(of: node) {
            guard let message = book.messages[id], message.envelope.metadata.expiresAt > now(),
                runs[message.envelope.metadata.runID]?.status == .running
            else { continue }
            if let reply = message.reply {
                guard let push = book.replies[reply]?.push, push.completion == nil, push.expiresAt <= now() else {
                    continue
                }
                // The reply will not come any more: the node shall do it again.
                drop(reply)
                if message.isConfirmed { try note(.again(id)) }
                book.setConfirmed(id, false)
                return book.messages[id]
            }
            if !message.isConfirmed { return message }
        }
        return nil
    }

    private func object(_ id: ObjectID, for node: UInt64, runID: UInt64) -> PullObjectAnswer {
        let belongs = book.queue(of: node).contains { message in
            guard let message = book.messages[message] else { return false }
            return message.envelope.metadata.runID == runID && message.tree.contains(id)
        }
        if belongs || book.replies(of: node, with: id).contains(where: { $0.reply.envelope.metadata.runID == runID }) {
            guard let count = store.byteCount(of: id) else { return .notAvailable }
            return PullObjectAnswer(id, byteCount: count, in: store)
        }
        return .notFound
    }

    private func fab(_ hash: String) -> [UInt8]? {
        ObjectID(hash).flatMap { try? Data(contentsOf: fabURL($0)) }.map { [UInt8]($0) }
    }

    func fabURL(_ hash: ObjectID) -> URL { folder.appending(path: "fabs").appending(path: hash.description) }
}
