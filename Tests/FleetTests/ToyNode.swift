import Crypto
import Federation
import Fleet
import Synchronization
import Testing

/// A clock that tests move.
final class ToyClock: Sendable {
    private let seconds = Mutex(1_800_000_000.0)
    var now: Double { seconds.withLock { $0 } }
    func advance(_ by: Double) { seconds.withLock { $0 += by } }
}

/// A node that makes the calls which flwr's makes, through their bytes.
struct ToyNode {
    var service: FleetService
    let caller: Caller
    let clock: ToyClock
    var id: UInt64 = 0
    let objects = MemoryObjects()

    static let interval = 30.0

    init(_ name: String, _ service: FleetService, _ clock: ToyClock) async throws {
        try await self.init(.certificate(name: name), service, clock)
    }

    init(_ caller: Caller, _ service: FleetService, _ clock: ToyClock, registering: Bool = true) async throws {
        (self.caller, self.service, self.clock) = (caller, service, clock)
        if registering { id = try await register() }
        let active = try await activate()
        #expect(active == id || !registering)
        id = active
    }

    var key: [UInt8] { if case .key(let key) = caller { Array(key.pem.utf8) } else { [] } }

    func answer(_ call: FleetCall, waiting: Duration = .zero) async throws -> FleetAnswer {
        let read = try FleetCall(call.method, body: try call.body)
        #expect(read == call)
        guard case .answer(let answer) = try await service.answer(read, from: caller, waiting: waiting) else {
            Issue.record("an object instead of an answer")
            return .done
        }
        // Through the bytes, and in the node's eyes the same.
        let seen = try FleetAnswer(call.method, body: try answer.body)
        #expect(seen == answer)
        return seen
    }

    func register() async throws -> UInt64 {
        guard case .registered(let id) = try await answer(.registerNode(publicKey: key)) else { return 0 }
        return id
    }

    func activate() async throws -> UInt64 {
        let call = FleetCall.activateNode(publicKey: key, heartbeatInterval: Self.interval)
        guard case .activated(let id) = try await answer(call) else { return 0 }
        return id
    }

    func pull(waiting: Duration = .zero) async throws -> (envelope: MessageEnvelope, tree: ObjectTree)? {
        guard case .message(let envelope?, let tree?) = try await answer(.pullMessages(id), waiting: waiting) else {
            return nil
        }
        return (envelope, tree)
    }

    func pullObject(_ object: ObjectID, runID: UInt64 = 7) async throws -> PullObjectAnswer {
        let call = try FleetCall(.pullObject, body: try FleetCall.pullObject(id, object, runID: runID).body)
        guard case .object(let answer) = try await service.answer(call, from: caller) else {
            throw FleetError.missingObject(object)
        }
        return answer
    }

    /// Takes all objects of a message and confirms it.
    func receive(_ tree: ObjectTree, runID: UInt64 = 7) async throws -> RecordDict {
        let folder = try TemporaryFolder()
        let store = try ObjectStore(folder.url)
        for object in tree.ids {
            let answer = try await pullObject(object, runID: runID)
            var reader = PullObjectAnswer.Reader(store.begin(object, children: tree.children(of: object)))
            var offset = 0
            var buffer = [UInt8](repeating: 0, count: 1000)
            while offset < answer.byteCount {
                let count = try buffer.withUnsafeMutableBytes { try answer.read(at: offset, into: $0) }
                try reader.write(Array(buffer[..<count]))
                offset += count
            }
            #expect(try reader.finish() == .stored)
            var bytes = [UInt8](repeating: 0, count: try #require(store.byteCount(of: object)))
            try bytes.withUnsafeMutableBytes { try store.readWhole(object, at: 0, into: $0) }
            objects.take(try FleetObject(bytes, id: object))
        }
        try await confirm(tree.root, runID: runID)
        return try RecordDict(tree.children(of: tree.root)[0], in: objects)
    }

    func confirm(_ message: ObjectID, runID: UInt64 = 7) async throws {
        #expect(try await answer(.confirmMessageReceived(id, message, runID: runID)) == .done)
    }

    /// Makes a reply; nothing is sent.
    func reply(to asked: MessageEnvelope, _ content: RecordDict) throws -> (envelope: MessageEnvelope, tree: ObjectTree)
    {
        try MessageEnvelope(asked.metadata.reply(createdAt: clock.now)).write(content, to: objects)
    }

    func push(_ reply: (envelope: MessageEnvelope, tree: ObjectTree)) async throws -> FleetAnswer.PushAnswer {
        guard case .push(let push) = try await answer(.pushMessages(id, reply.envelope, reply.tree, runtime: 1)) else {
            throw FleetError.missingObject(reply.tree.root)
        }
        return push
    }

    /// Pushes one object in pieces.
    func pushObject(
        _ object: ObjectID, session: String, runID: UInt64 = 7, pieces: Int = 4096, content: [UInt8]? = nil
    ) async throws -> Bool {
        let bytes = try content ?? objects.object(object).bytes
        let request = PushObjectRequest(node: id, runID: runID, object: object, session: session)
        let (before, after) = try request.around(byteCount: bytes.count)
        let body = before + bytes + after
        let reception = PushObjectReception(service, from: caller)
        for start in stride(from: 0, to: body.count, by: pieces) {
            try await reception.write(Array(body[start..<min(body.count, start + pieces)]))
        }
        guard case .stored(let isStored) = try await reception.finish() else { return false }
        return isStored
    }

    /// Sends a whole reply.
    func send(_ reply: (envelope: MessageEnvelope, tree: ObjectTree)) async throws {
        let push = try await push(reply)
        #expect(push.isTaken)
        for object in push.missing { #expect(try await pushObject(object, session: push.session)) }
    }
}
