import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a reply comes to the server, and what is let go after it.
extension FleetSite {
    /// Sends a reply, and forgets it and its message when the server has all of it.
    func deliver(replyTo reply: ObjectID, seconds: Double?) async throws {
        guard let (envelope, tree) = outbox.read(reply) else { return }
        let metadata = envelope.metadata
        let bytes = tree.ids.compactMap(store.byteCount).reduce(0, +)
        try await persist { try self.egress.add(metadata, object: reply, bytes: bytes) }
        do {
            while true {
                let answer = try await persist(alsoFailures: true) {
                    try await self.client.push(envelope, tree, node: self.node, seconds: seconds)
                }
                if !answer.isTaken || answer.missing.isEmpty { break }
                let refused = try await send(answer, run: metadata.runID)
                // A push that took too long begins again; what has come stays.
                if !refused { break }
            }
        } catch let error where FleetClient.status(of: error) == 413 && envelope.failure == nil {
            // The server hears at least why nothing comes.
            log("\(metadata.type), round \(metadata.group): \(error)")
            if let message = metadata.replyTo, let (asked, _) = inbox.read(message) {
                let failure = MessageFailure(.appRaised, reason: "The site's reply is larger than the server takes.")
                let (instead, _) = try await keepReply(to: asked.metadata, nil, failure)
                outbox.remove(reply)
                forget(Set(tree.ids))
                return try await deliver(replyTo: instead, seconds: seconds)
            }
        } catch let error where [400, 403, 413].contains(FleetClient.status(of: error)) {
            log("the server does not take the reply to a message of run \(metadata.runID) any more")
        }
        outbox.remove(reply)
        var objects = lastObjects.union(tree.ids)
        if let message = metadata.replyTo, let (_, tree) = inbox.read(message) {
            inbox.remove(message)
            objects.formUnion(tree.ids)
            lastObjects = Set(tree.ids)
        }
        forget(objects)
        if metadata.type == "query.finish" { store.trim() }
    }

    /// - Returns: whether some object was not taken.
    private func send(_ answer: FleetAnswer.PushAnswer, run: UInt64) async throws -> Bool {
        // The message's own object goes last: nobody takes it for whole before that.
        let refused = Refused()
        try await forEach(answer.missing) { id in
            let isTaken = try await self.persist(alsoFailures: true) {
                try await self.client.push(
                    id, node: self.node, run: run, session: answer.session, from: self.store)
            }
            if !isTaken { await refused.set() }
        }
        return await refused.value
    }

    private actor Refused {
        private(set) var value = false
        func set() { value = true }
    }

    func forEach(_ ids: [ObjectID], _ body: @escaping @Sendable (ObjectID) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, id) in ids.enumerated() {
                if index >= settings.parallelism { try await group.next() }
                group.addTask { try await body(id) }
            }
            try await group.waitForAll()
        }
    }

    /// Takes those of the objects away that no message and no reply needs.
    func forget(_ objects: Set<ObjectID>) {
        var needed = lastObjects
        for id in inbox.all() { if let message = inbox.read(id) { needed.formUnion(message.tree.ids) } }
        for id in outbox.all() { if let message = outbox.read(id) { needed.formUnion(message.tree.ids) } }
        store.remove(objects.subtracting(needed))
    }
}
