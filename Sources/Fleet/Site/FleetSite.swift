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
        /// Between two questions, while it works, whether the run goes on.
        public var watch: Duration = .seconds(30)
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
        /// Bytes of a message that the site takes; nil for any. The server hears that a longer one was refused.
        public var largestMessage: Int?
        /// What it would be called by a server that takes any key; else the server's people decide.
        public var name: SiteName?

        public init() {}
    }

    let client: FleetClient
    let host: any SiteHost
    let settings: Settings
    let store: ObjectStore
    /// Messages that were taken, and replies that the server does not have yet.
    let inbox: MessageFiles
    let outbox: MessageFiles
    let egress: EgressLog
    let log: @Sendable (String) -> Void
    private(set) var node: UInt64 = 0
    private struct ServerIsGone: Error {}
    /// Objects of the last message that was answered: the next is often about the same model.
    var lastObjects: Set<ObjectID> = []

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
    func persist<Result: Sendable>(
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
            let size = MessageSize(tree.ids.compactMap(store.byteCount).reduce(0, +), limit: settings.largestMessage)
            try await size.add(0)
            try await forEach(tree.ids.filter { !store.contains($0) }) { id in
                while true {
                    let result = try await self.persist {
                        try await self.client.pull(
                            id, children: tree.children(of: id), node: self.node, run: run, into: self.store)
                    }
                    switch result {
                    case .stored: return try await size.add(self.store.byteCount(of: id) ?? 0)
                    case .notAvailable: try await Task.sleep(for: .milliseconds(200))
                    case .notFound: throw FleetError.missingObject(id)
                    }
                }
            }
            try await persist { try self.inbox.write(tree.root, envelope, tree) }
            return true
        } catch let error as FederationError {
            guard case .policy = error else { throw error }
            log("\(envelope.metadata.type), round \(envelope.metadata.group): \(error)")
            let failure = MessageFailure(.appRaised, reason: Self.told(error))
            let (reply, _) = try await keepReply(to: envelope.metadata, nil, failure)
            try await deliver(replyTo: reply, seconds: nil)
            forget(Set(tree.ids))
            return false
        } catch let error where FleetClient.status(of: error) == 403 || error is FleetError {
            log("a message of run \(run) is not there any more")
            inbox.remove(tree.root)
            forget(Set(tree.ids))
            return false
        }
    }
}

/// The bytes of a message as its objects come.
private actor MessageSize {
    private var byteCount: Int
    private let limit: Int?

    init(_ byteCount: Int, limit: Int?) { (self.byteCount, self.limit) = (byteCount, limit) }

    /// - Throws: `FederationError.policy` where they are more than the site takes.
    func add(_ more: Int) throws {
        byteCount += more
        guard let limit, byteCount > limit else { return }
        throw FederationError.policy("the message is larger than the \(limit) bytes that it allows")
    }
}
