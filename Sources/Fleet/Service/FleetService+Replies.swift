import Crypto

/// A reply comes in three steps: its envelope and tree, its objects, and the disk.
extension FleetService {
    /// Flower's tolerance of a reply's end after that of its message, in seconds.
    private static let tolerance = 0.1

    func beginReply(
        from node: UInt64, _ envelope: MessageEnvelope, _ tree: ObjectTree
    ) async throws(FleetFailure) -> FleetAnswer.PushAnswer {
        let (metadata, id) = (envelope.metadata, tree.root)
        try checkRun(metadata.runID)
        guard metadata.source == node else { throw FleetFailure.notAuthenticated }
        guard metadata.destination == Metadata.server, let messageID = metadata.replyTo else {
            throw FleetFailure(status: 400, detail: "A node sends replies to the server, and nothing else.")
        }
        let notWanted = FleetAnswer.PushAnswer(message: id, isTaken: false, missing: [], session: "")
        guard let message = book.messages[messageID] else { return notWanted }
        guard message.node == node else { throw FleetFailure.notAuthenticated }
        let asked = message.envelope.metadata
        guard asked.runID == metadata.runID, asked.expiresAt > now(), metadata.expiresAt > now(),
            metadata.expiresAt <= asked.expiresAt + Self.tolerance
        else { return notWanted }

        if let other = message.reply, other != id {
            // One reply counts. Where the other never came whole, the node made this one in its place.
            guard let push = book.replies[other]?.push, push.completion == nil else { return notWanted }
            drop(other)
        }
        if let reply = book.replies[id] {
            guard reply.envelope == envelope, reply.tree == tree else {
                throw FleetFailure(status: 400, detail: "The message was pushed with another tree before.")
            }
            guard let push = reply.push else {
                return FleetAnswer.PushAnswer(message: id, isTaken: true, missing: [], session: "")
            }
            if push.expiresAt <= now() { try beginPush(id, tree) } else { refresh(id) }
        } else {
            try checkPresent(tree)
            let push = MessageBook.Push(session: "", missing: [], expiresAt: 0)
            do { try files.write(id, envelope, tree) } catch { throw FleetFailure.cannotStore }
            book.add(id, MessageBook.Reply(envelope: envelope, tree: tree, state: .coming(push)))
            try beginPush(id, tree)
        }
        guard let push = book.replies[id]?.push else { throw FleetFailure.cannotStore }
        // All of it came before, but never reached the disk, or every object was there already.
        if push.missing.isEmpty { try await complete(id) }
        return FleetAnswer.PushAnswer(
            message: id, isTaken: true, missing: tree.ids.filter { push.missing.contains($0) },
            session: push.missing.isEmpty ? "" : push.session)
    }

    /// Objects that are there already need not be sent, so their heads are looked at now: a tree that hid their
    /// children would let these go while the reply needs them.
    private func checkPresent(_ tree: ObjectTree) throws(FleetFailure) {
        for id in tree.ids where store.contains(id) {
            guard (try? store.head(of: id))?.children == tree.children(of: id) else {
                throw .malformed(FleetError.wrongObject(id, fact: "its children are not those of its message's tree"))
            }
        }
    }

    private func beginPush(_ id: ObjectID, _ tree: ObjectTree) throws(FleetFailure) {
        let session = SymmetricKey(size: .bits128).withUnsafeBytes { bytes in
            bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        try note(.receiving(id, session: session))
        let there = tree.ids.map { store.byteCount(of: $0) }
        let expiresAt = now() + MessageBook.Push.patience
        book.update(id) { push in
            push.session = session
            push.missing = Set(zip(tree.ids, there).filter { $0.1 == nil }.map(\.0))
            push.byteCount = there.compactMap { $0 }.reduce(0, +)
            push.expiresAt = expiresAt
        }
    }

    private func refresh(_ id: ObjectID) {
        let expiresAt = now() + MessageBook.Push.patience
        book.update(id) { $0.expiresAt = expiresAt }
    }

    /// What to do with an object that a node is about to push.
    enum Admission: Sendable {
        /// Take it; its head must name these children.
        case take(reply: ObjectID, children: [ObjectID])
        /// It is there; its bytes are not needed.
        case isThere(reply: ObjectID)
        /// It is of no push that is under way.
        case refuse
    }

    /// - Parameter byteCount: how long the object is.
    func admit(
        _ request: PushObjectRequest, byteCount: Int, from caller: Caller
    ) throws(FleetFailure) -> Admission {
        try check(request.node, caller)
        try checkRun(request.runID)
        // Nodes before 1.34 give no session. A reply that is all there has none any more.
        for (id, reply) in book.replies(of: request.node, with: request.object) {
            guard reply.envelope.metadata.runID == request.runID else { continue }
            guard let push = reply.push else { return .isThere(reply: id) }
            guard request.session.isEmpty || request.session == push.session else { continue }
            guard push.missing.contains(request.object) else { return .isThere(reply: id) }
            guard push.expiresAt > now() else {
                drop(id)
                return .refuse
            }
            guard push.byteCount + byteCount <= settings.largestMessage else {
                throw FleetFailure(
                    status: 413,
                    detail: "The message has more than the \(settings.largestMessage) bytes that this server takes.")
            }
            refresh(id)
            return .take(reply: id, children: reply.tree.children(of: request.object))
        }
        return .refuse
    }

    /// An object is in the store, or was before. The last one returns when all of the reply is durable.
    func stored(_ object: ObjectID, byteCount: Int, of id: ObjectID) async throws(FleetFailure) -> FleetAnswer {
        // Between then and now, the reply may have been dropped, and what came with it.
        guard let reply = book.replies[id] else { return .stored(false) }
        guard reply.push != nil else { return .stored(true) }
        guard store.contains(object) else { return .stored(false) }
        let expiresAt = now() + MessageBook.Push.patience
        book.update(id) { push in
            if push.missing.remove(object) != nil { push.byteCount += byteCount }
            push.expiresAt = expiresAt
        }
        if book.replies[id]?.push?.missing.isEmpty == true { try await complete(id) }
        return .stored(true)
    }

    /// The message's object must say what its envelope said.
    private func checkMessage(_ id: ObjectID, _ reply: MessageBook.Reply) throws(FleetFailure) {
        do {
            let (head, body) = try store.object(id, .message)
            guard try MessageEnvelope(id, head: head, body: body) == reply.envelope else {
                throw FleetError.malformed("a message is another than its envelope said")
            }
        } catch {
            drop(id)
            throw FleetFailure.malformed(error)
        }
    }

    /// Makes a reply durable, once, whoever asks for it.
    private func complete(_ id: ObjectID) async throws(FleetFailure) {
        guard let reply = book.replies[id], let push = reply.push else { return }
        if push.completion == nil { try checkMessage(id, reply) }
        let task =
            push.completion
            ?? Task {
                try await disk()
                try journal.append(.received(id))
                try await journal.reachDisk()
                received(id)
            }
        book.update(id) { $0.completion = task }
        do { try await task.value } catch {
            book.update(id) { $0.completion = nil }
            throw FleetFailure.cannotStore
        }
    }

    private func received(_ id: ObjectID) {
        book.setReceived(id)
        if let message = book.replies[id]?.envelope.metadata.replyTo { signals.fire(.reply(to: message)) }
    }
}
