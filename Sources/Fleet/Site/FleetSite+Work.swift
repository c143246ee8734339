import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What becomes of a message: work, and a reply that is held.
extension FleetSite {
    func carryOut(_ id: ObjectID, _ metadata: Metadata, _ tree: ObjectTree) async throws {
        let start = ContinuousClock.now
        let answered = try await whileRunning(id, run: metadata.runID) { try await self.answer(metadata, tree) }
        guard let answered else {
            log("run \(metadata.runID) has ended: its \(metadata.type), round \(metadata.group), is given up")
            inbox.remove(id)
            return forget(Set(tree.ids).union(Set(store.all())))
        }
        let (reply, _) = try await keepReply(to: metadata, answered.content, answered.failure)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        // On the disk as soon as it can be, and under way to the server at the same time.
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.makeDurable() }
            group.addTask { try await self.deliver(replyTo: reply, seconds: seconds) }
            try await group.waitForAll()
        }
    }

    private struct Answer: Sendable {
        var content: ObjectTree?
        var failure: MessageFailure?
    }

    private func answer(_ metadata: Metadata, _ tree: ObjectTree) async throws -> Answer {
        do {
            let reply = try await reply(to: metadata, tree)
            return Answer(content: try await persist { try reply.write(to: self.store) })
        } catch {
            try Task.checkCancellation()
            log("\(metadata.type), round \(metadata.group): \(error)")
            return Answer(failure: MessageFailure(.appRaised, reason: Self.told(error)))
        }
    }

    private enum Event: Sendable {
        case taken(Bool)
        case answered(Answer)
        case ended
    }

    /// Works on a message while the server hears that it was taken, and gives the work up when its run has ended: a
    /// training of hours, or a question that waits for a person.
    ///
    /// - Returns: nil where the run has ended.
    private func whileRunning(
        _ message: ObjectID, run: UInt64, _ work: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer? {
        try await withThrowingTaskGroup(of: Event.self) { group in
            defer { group.cancelAll() }
            group.addTask { .taken(try await self.take(message, run: run)) }
            group.addTask { .answered(try await work()) }
            var answer: Answer?
            var isTaken = false
            while let event = try await group.next() {
                switch event {
                case .taken(false), .ended: return nil
                case .taken(true):
                    isTaken = true
                    group.addTask {
                        repeat {
                            try await Task.sleep(for: self.settings.watch)
                        } while try await self.confirm(message, run: run)
                        return .ended
                    }
                case .answered(let given): answer = given
                }
                if isTaken, let answer { return answer }
            }
            return nil
        }
    }

    /// Keeps a reply until the server has it, also in a process that begins anew.
    func keepReply(
        to metadata: Metadata, _ content: ObjectTree?, _ failure: MessageFailure?
    ) async throws -> (reply: ObjectID, tree: ObjectTree) {
        let envelope = MessageEnvelope(
            metadata.reply(createdAt: Date().timeIntervalSince1970), failure: failure)
        let object = try envelope.object(content: content?.root)
        let reply = try await persist { try self.store.put(object) }
        var named = envelope
        named.metadata.messageID = reply
        let (kept, whole) = (named, content?.under(reply) ?? ObjectTree([(reply, [])]))
        try await persist { try self.outbox.write(reply, kept, whole) }
        return (reply, whole)
    }

    /// What the server hears of an error: only what was made to be told. The rest may name files, and so patients.
    static func told(_ error: any Error) -> String {
        let text =
            switch error {
            case let error as FleetError: tells(error) ? "\(error)" : untold
            case let error as any TellableError: error.tellable ?? untold
            default: untold
            }
        return String(text.prefix(1_000))
    }

    private static let untold = "The site could not take part; its log says why."

    private static func tells(_ error: FleetError) -> Bool {
        switch error {
        case .malformed, .wrongObject, .missingObject, .record: true
        case .storage, .noReply, .unknownNode, .key, .bundle: false
        }
    }

    /// Not on the actor, which has other things to do while it lasts.
    private nonisolated func makeDurable() async throws { try store.makeDurable() }

    /// Makes a message durable, and then tells the server that it is here.
    ///
    /// - Returns: false where its run has ended meanwhile.
    private func take(_ message: ObjectID, run: UInt64) async throws -> Bool {
        try await makeDurable()
        return try await confirm(message, run: run)
    }

    /// - Returns: false where the run has ended.
    private func confirm(_ message: ObjectID, run: UInt64) async throws -> Bool {
        do {
            try await persist { try await self.client.confirm(message, node: self.node, run: run) }
            return true
        } catch let error where FleetClient.status(of: error) == 403 { return false }
    }

    private func reply(to metadata: Metadata, _ tree: ObjectTree) async throws -> RecordDict {
        guard let root = tree.children(of: tree.root).first else {
            throw FleetError.record("the message has no content")
        }
        let content = try RecordDict(root, in: store)
        if metadata.type == "query.begin" {
            let order = try content.config("config")?.payload() ?? Data()
            try await host.begin(run: metadata.runID, order: order)
            return RecordDict()
        }
        let task = try SiteTask(
            type: metadata.type, content: content, rounds: await host.rounds(run: metadata.runID))
        let packs = settings.packs || content.config("cohort-layout") != nil
        return try await host.participant(run: metadata.runID).perform(task).content(packs: packs)
    }
}
