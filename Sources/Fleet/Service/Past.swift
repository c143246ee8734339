/// What a journal tells of the past: the state in which a service begins.
struct Past {
    private(set) var registry = NodeRegistry()
    private(set) var runs: [UInt64: FleetRun] = [:]
    private(set) var book = MessageBook()

    /// - Parameter now: nodes that were online count as that from here on, until they have been silent too long.
    init(_ entries: [MessageJournal.Entry], _ files: MessageFiles, _ store: ObjectStore, now: Double) {
        for entry in entries {
            switch entry {
            case .registered(let id, let name, let owner): registry.register(id, name, owner)
            case .unregistered(let id): registry.unregister(id)
            case .active(let id, let interval): registry.lives(id, interval: interval, now: now)
            case .inactive(let id): registry.deactivate(id, now: now)
            case .run(let run): runs[run.id] = run
            case .sent(let id, let key):
                // What the journal tells first has its file; after a drop, the file is gone and the drop follows.
                guard let (envelope, tree) = files.read(id) else { continue }
                book.add(id, MessageBook.Outgoing(envelope: envelope, tree: tree, key: key))
            case .confirmed(let id): book.setConfirmed(id, true)
            case .again(let id): book.setConfirmed(id, false)
            case .receiving(let id, let session):
                guard let (envelope, tree) = files.read(id) else { continue }
                if book.replies[id] != nil {
                    book.update(id) { $0.session = session }
                } else {
                    let push = MessageBook.Push(session: session, missing: [], expiresAt: 0)
                    book.add(id, MessageBook.Reply(envelope: envelope, tree: tree, state: .coming(push)))
                }
            case .received(let id): book.setReceived(id)
            case .dropped(let ids): for id in ids { _ = book.drop(id) }
            }
        }
        for (id, reply) in book.replies where reply.push != nil {
            let there = reply.tree.ids.map { store.byteCount(of: $0) }
            book.update(id) { push in
                push.missing = Set(zip(reply.tree.ids, there).filter { $0.1 == nil }.map(\.0))
                push.byteCount = there.compactMap { $0 }.reduce(0, +)
                push.expiresAt = now + MessageBook.Push.patience
            }
        }
    }

    /// The shortest journal that tells the same.
    var journal: [MessageJournal.Entry] {
        registry.journal + runs.values.sorted { $0.id < $1.id }.map { .run($0) } + book.journal
    }
}
