#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server's side of the Fleet protocol, without HTTP: which nodes there are, what waits for them, what came back.
///
/// What is acknowledged is durable: a message to a node before `send` returns, a reply before its last object is
/// answered. Every call may be made twice and is answered alike; nothing counts twice. A service on the same folder
/// goes on where the last one ended, at whatever instant that was.
public actor FleetService {
    /// Whom the service lets in, and how much it takes.
    public struct Settings: Sendable {
        /// Callers without a certificate, who sign their calls.
        public enum Keys: Sendable {
            case refused
            /// Those that `register(_:as:)` let in.
            case registered
            /// Any: for a bench on one machine.
            case any
        }

        public var keys: Keys
        /// The most bytes of one reply's objects.
        public var largestMessage: Int

        public init(keys: Keys = .refused, largestMessage: Int = 4 << 30) {
            self.keys = keys
            self.largestMessage = largestMessage
        }
    }

    public nonisolated let store: ObjectStore
    let settings: Settings
    /// Seconds since 1970.
    let now: @Sendable () -> Double
    let journal: MessageJournal
    let files: MessageFiles
    let folder: URL
    /// Objects and message files reach the disk together.
    let disk: SharedWrite
    private let diskFailures: AsyncStream<any Error>

    var registry = NodeRegistry()
    var runs: [UInt64: FleetRun] = [:]
    var book = MessageBook()
    var signals = Signals<Event>()
    var observers: [Int: AsyncStream<FleetNode>.Continuation] = [:]
    var observerCount = 0

    /// Contents that are being written, and messages that are being sent.
    var contents: [String: Task<ObjectTree, any Error>] = [:]
    var sends: [MessageBook.Address: Task<ObjectID, any Error>] = [:]
    /// While someone writes objects that no message names yet, none is taken away.
    private var writers = 0
    private var garbage: Set<ObjectID> = []

    enum Event: Hashable {
        case message(node: UInt64)
        case reply(to: ObjectID)
    }

    /// Opens or makes a service's folder.
    ///
    /// - Parameter now: seconds since 1970; the machine's clock where nil.
    /// - Throws: `FleetError`, `FederationError.file`.
    public init(_ folder: URL, settings: Settings = Settings(), now: (@Sendable () -> Double)? = nil) throws {
        let now = now ?? { Date().timeIntervalSince1970 }
        let store = try ObjectStore(folder.appending(path: "objects"))
        let files = try MessageFiles(folder.appending(path: "messages"))
        let url = folder.appending(path: "journal.jsonl")
        let (failures, failing) = AsyncStream.makeStream(of: (any Error).self)
        let failed: @Sendable (any Error) -> Void = { failing.yield($0) }
        var (journal, entries) = try MessageJournal.open(url, failed: failed)
        let past = Past(entries, files, store, now: now())
        let written = past.journal
        if entries.count > 1000, entries.count > 2 * written.count {
            try MessageJournal.rewrite(url, written)
            (journal, entries) = try MessageJournal.open(url, failed: failed)
        }
        (self.folder, self.store, self.files, self.journal) = (folder, store, files, journal)
        (self.settings, self.now) = (settings, now)
        (registry, runs, book) = (past.registry, past.runs, past.book)
        disk = SharedWrite({ try store.makeDurable() }, failed: failed)
        diskFailures = failures
        let book = past.book
        store.remove(store.all().filter { !book.isReferenced($0) })
        for id in files.all() where book.messages[id] == nil && book.replies[id] == nil { files.remove(id) }
    }

    /// Ends with an error when the disk did not take what was written; until then, with its task.
    ///
    /// Nothing is acknowledged any more after that. The process should end, and begin anew with a disk that works.
    public nonisolated func untilDiskFails() async throws {
        for await error in diskFailures { throw error }
        try Task.checkCancellation()
    }

    // MARK: Callers

    /// Whom calls of this caller count as.
    ///
    /// - Throws: `FleetFailure` 401 where it may not call at all.
    func owner(_ caller: Caller) throws(FleetFailure) -> NodeRegistry.Owner {
        switch caller {
        case .certificate(let name):
            guard let name = SiteName(name) else { throw FleetFailure.notAuthenticated }
            return .certificate(name)
        case .key(let key):
            if settings.keys == .refused { throw FleetFailure.notAuthenticated }
            return .key(pem: key.pem)
        case .anonymous: throw FleetFailure.notAuthenticated
        }
    }

    /// - Throws: `FleetFailure` 401 where the node is not the caller's.
    func check(_ node: UInt64, _ caller: Caller) throws(FleetFailure) {
        guard registry.id(of: try owner(caller)) == node else { throw FleetFailure.notAuthenticated }
    }

    /// - Throws: `FleetFailure` 403 where the run is not running.
    func checkRun(_ id: UInt64) throws(FleetFailure) {
        guard let run = runs[id] else { throw FleetFailure.unknownRun }
        guard run.status == .running else { throw FleetFailure.runStatus }
    }

    // MARK: Keeping

    /// Writes entries whose loss would only cost a repeat; they reach the disk with the next that may not be lost.
    func note(_ entry: MessageJournal.Entry) throws(FleetFailure) {
        do { try journal.append(entry) } catch { throw FleetFailure.cannotStore }
    }

    /// Writes an entry and waits until it is on the disk.
    func keep(_ entry: MessageJournal.Entry) async throws(FleetFailure) {
        do {
            try journal.append(entry)
            try await journal.reachDisk()
        } catch {
            throw FleetFailure.cannotStore
        }
    }

    /// Forgets a message with its reply, or a reply, and takes away what only it needed.
    func drop(_ id: ObjectID) {
        let dropped = book.drop(id)
        guard !dropped.ids.isEmpty else { return }
        // Lost, it would come back and be dropped with its run.
        try? journal.append(.dropped(dropped.ids))
        for id in dropped.ids { files.remove(id) }
        garbage.formUnion(dropped.objects)
        removeGarbage()
    }

    /// Takes away what there is of a message that was not sent.
    func abandon(_ id: ObjectID) {
        files.remove(id)
        garbage.insert(id)
    }

    func beginWriting() { writers += 1 }

    func endWriting() {
        writers -= 1
        removeGarbage()
    }

    private func removeGarbage() {
        guard writers == 0 else { return }
        store.remove(garbage.filter { !book.isReferenced($0) })
        garbage = []
    }
}
