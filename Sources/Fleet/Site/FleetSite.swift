import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site does for the runs that it is asked to take part in.
public protocol SiteHost: Sendable {
    /// Takes part in a run from now on, or refuses. `order` says what it is about; it may come again.
    func begin(run: UInt64, order: Data) async throws
    /// The participant of a run that was begun, also before a restart; the same one every time.
    func participant(run: UInt64) async throws -> Site
    /// Rounds of training of a run whose server does not say.
    func rounds(run: UInt64) async -> Int?
}

extension SiteHost {
    public func rounds(run: UInt64) async -> Int? { nil }
}

/// A site's end: dials out, carries out what it is asked one message after the other, and holds every reply until the
/// server has it on its disk. Restarted, it goes on with what it had.
public actor FleetSite {
    public struct Settings: Sendable {
        /// Seconds between two signs of life.
        public var heartbeat = 30.0
        /// How long a server may hold a call until there is a message.
        public var wait: Duration = .seconds(20)
        /// Between two calls of a server that does not hold them.
        public var pause: Duration = .seconds(1)
        /// Objects on their way at once.
        public var parallelism = 4
        /// Whether replies go as one array; a task that came so is answered so.
        public var packs = false
        /// Whether it ends when nobody answers at the server's address any more, after it has joined.
        public var endsWithServer = false
        /// What it would be called by a server that takes any key; else the server's people decide.
        public var name: SiteName?

        public init() {}
    }

    private let client: FleetClient
    private let host: any SiteHost
    private let settings: Settings
    private let store: ObjectStore
    /// Messages that were taken, and replies that the server does not have yet.
    private let inbox: MessageFiles
    private let outbox: MessageFiles
    private let egress: EgressLog
    private let log: @Sendable (String) -> Void
    private var node: UInt64 = 0
    private struct ServerIsGone: Error {}
    /// Objects of the last message that was answered: the next is often about the same model.
    private var lastObjects: Set<ObjectID> = []

    /// - Parameters:
    ///   - folder: what must survive a restart.
    ///   - log: lines for the site's people.
    public init(
        _ client: FleetClient, host: any SiteHost, folder: URL, settings: Settings = Settings(),
        log: @escaping @Sendable (String) -> Void
    ) throws {
        let egress = try EgressLog(folder.appending(path: "egress.jsonl"))
        var client = client
        client.willCall = { try egress.add($0, $1) }
        self.client = client
        self.egress = egress
        self.host = host
        self.settings = settings
        self.log = log
        store = try ObjectStore(folder.appending(path: "objects"))
        inbox = try MessageFiles(folder.appending(path: "inbox"))
        outbox = try MessageFiles(folder.appending(path: "outbox"))
    }

    /// Works until it is cancelled, or the server does not let it in.
    ///
    /// - Throws: `TransportError` where the server refuses this site for good.
    public func run() async throws {
        defer { try? egress.sumUp() }
        try await join()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.showLife() }
            group.addTask { [egress] in
                while true {
                    try await Task.sleep(for: EgressLog.interval)
                    try await self.persist { try egress.sumUp() }
                }
            }
            group.addTask { try await self.work() }
            defer { group.cancelAll() }
            do { try await group.next() } catch is ServerIsGone { log("the server has ended") }
        }
    }

    private func join() async throws {
        do { node = try await persist { try await self.client.activate(heartbeat: self.settings.heartbeat) } } catch
            where FleetClient.status(of: error) == 412
        {
            // Not known yet. A server that registers nodes itself refuses this too, and says so.
            try await persist { try await self.client.register(as: self.settings.name) }
            node = try await persist { try await self.client.activate(heartbeat: self.settings.heartbeat) }
        }
        log("joined as node \(node)")
    }

    /// Repeats a call, or a writing, as long as it fails for reasons that pass: that of a full disk among them.
    ///
    /// - Parameter alsoFailures: whether a server that failed (500) is asked again.
    private func persist<Result: Sendable>(
        alsoFailures: Bool = false, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        var isSaid = false
        while true {
            do { return try await body() } catch let error
                where Self.mayPass(error) || alsoFailures && FleetClient.status(of: error) == 500
            {
                if settings.endsWithServer, node != 0, case TransportError.refused = error { throw ServerIsGone() }
                if !isSaid { log("\(error) Trying again.") }
                isSaid = true
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    private static func mayPass(_ error: any Error) -> Bool {
        switch error {
        case let error as TransportError: error.isTransient
        case FederationError.fullDisk: true
        default: false
        }
    }

    private func showLife() async throws {
        while true {
            try await Task.sleep(for: .seconds(settings.heartbeat))
            do {
                guard try await !client.heartbeat(node, interval: settings.heartbeat) else { continue }
                try await join()
            } catch let error as TransportError where error.isTransient {}
        }
    }

    // MARK: Messages

    private func work() async throws {
        forget(Set(store.all()))
        for id in outbox.all() { try await deliver(replyTo: id, seconds: nil) }
        for id in inbox.all() {
            guard let (envelope, tree) = inbox.read(id) else { continue }
            try await carryOut(id, envelope.metadata, tree)
        }
        while true {
            let start = ContinuousClock.now
            let message = try await persist {
                try await self.client.pullMessage(self.node, waiting: self.settings.wait)
            }
            if let (envelope, tree) = message {
                guard try await receive(envelope, tree) else { continue }
                try await carryOut(tree.root, envelope.metadata, tree)
            } else if ContinuousClock.now - start < settings.pause {
                try await Task.sleep(for: settings.pause)
            }
        }
    }

    /// Fetches a message's objects.
    ///
    /// - Returns: false where its run has ended meanwhile, or where it was taken before.
    private func receive(_ envelope: MessageEnvelope, _ tree: ObjectTree) async throws -> Bool {
        let run = envelope.metadata.runID
        // Work that is under way, or done: the server did not hear that it was taken.
        if inbox.read(tree.root) != nil {
            try await persist { try await self.client.confirm(tree.root, node: self.node, run: run) }
            return false
        }
        do {
            try await forEach(tree.ids.filter { !store.contains($0) }) { id in
                while true {
                    let result = try await self.persist {
                        try await self.client.pull(
                            id, children: tree.children(of: id), node: self.node, run: run, into: self.store)
                    }
                    switch result {
                    case .stored: return
                    case .notAvailable: try await Task.sleep(for: .milliseconds(200))
                    case .notFound: throw FleetError.missingObject(id)
                    }
                }
            }
            try await persist { try self.inbox.write(tree.root, envelope, tree) }
            return true
        } catch let error where FleetClient.status(of: error) == 403 || error is FleetError {
            log("a message of run \(run) is not there any more")
            inbox.remove(tree.root)
            forget(Set(tree.ids))
            return false
        }
    }

    private func carryOut(_ id: ObjectID, _ metadata: Metadata, _ tree: ObjectTree) async throws {
        let start = ContinuousClock.now
        async let isTaken = take(id, run: metadata.runID)
        var failure: MessageFailure?
        var content: ObjectTree?
        do {
            let reply = try await reply(to: metadata, tree)
            content = try await persist { try reply.write(to: self.store) }
        } catch {
            try Task.checkCancellation()
            log("\(metadata.type), round \(metadata.group): \(error)")
            failure = MessageFailure(.appRaised, reason: Self.told(error))
        }
        let (reply, whole) = try await keepReply(to: metadata, content, failure)
        guard try await isTaken else {
            outbox.remove(reply)
            inbox.remove(id)
            return forget(Set(tree.ids).union(whole.ids))
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        // On the disk as soon as it can be, and under way to the server at the same time.
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.makeDurable() }
            group.addTask { try await self.deliver(replyTo: reply, seconds: seconds) }
            try await group.waitForAll()
        }
    }

    /// Keeps a reply until the server has it, also in a process that begins anew.
    private func keepReply(
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
    private static func told(_ error: any Error) -> String {
        let text =
            switch error {
            case let error as FleetError: tells(error) ? "\(error)" : untold
            case let error as FederationError: tells(error) ? "\(error)" : untold
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

    private static func tells(_ error: FederationError) -> Bool {
        switch error {
        case .policy, .site, .setting, .incompatibleSites, .unusableUpdate: true
        case .twoSitesOfOneName, .tooFewSites, .unknownSites, .file, .fullDisk, .resume: false
        }
    }

    /// Not on the actor, which has other things to do while it lasts.
    private nonisolated func makeDurable() async throws { try store.makeDurable() }

    /// Makes a message durable, and then tells the server that it is here, while it is being carried out.
    ///
    /// - Returns: false where its run has ended meanwhile.
    private func take(_ message: ObjectID, run: UInt64) async throws -> Bool {
        try await makeDurable()
        do {
            try await persist { try await self.client.confirm(message, node: self.node, run: run) }
            return true
        } catch let error where FleetClient.status(of: error) == 403 {
            log("a message of run \(run) is not there any more")
            return false
        }
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

    /// Sends a reply, and forgets it and its message when the server has all of it.
    private func deliver(replyTo reply: ObjectID, seconds: Double?) async throws {
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

    private func forEach(_ ids: [ObjectID], _ body: @escaping @Sendable (ObjectID) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, id) in ids.enumerated() {
                if index >= settings.parallelism { try await group.next() }
                group.addTask { try await body(id) }
            }
            try await group.waitForAll()
        }
    }

    /// Takes those of the objects away that no message and no reply needs.
    private func forget(_ objects: Set<ObjectID>) {
        var needed = lastObjects
        for id in inbox.all() { if let message = inbox.read(id) { needed.formUnion(message.tree.ids) } }
        for id in outbox.all() { if let message = outbox.read(id) { needed.formUnion(message.tree.ids) } }
        store.remove(objects.subtracting(needed))
    }
}
