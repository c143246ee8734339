import Crypto
import Federation
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A server's way to a site over the Fleet protocol.
///
/// A task becomes a message that waits for its node, and the reply is on the disk before the node is told so. Asked again
/// after a crash, the same task finds its earlier message, and the reply if that has come: nothing is done twice.
public final class FleetLink: SiteLink {
    public let site: String
    private let service: FleetService
    private let run: UInt64
    /// What the site must know of the run before its first task; nil for nothing.
    private let order: Data?
    private let packs: Bool
    private let timeToLive: Double
    private let log: @Sendable (String) -> Void
    /// Messages whose replies were read, by round: what later rounds let go of.
    private let read = Mutex<[(group: String, id: ObjectID)]>([])

    /// - Parameters:
    ///   - site: the node's name: its certificate's, or what its key was registered as.
    ///   - packs: float32 tensors go as one array.
    ///   - timeToLive: how long a task may take, in seconds.
    ///   - log: told what a task waits for at the server.
    public init(
        to site: String, of service: FleetService, run: UInt64, order: Data? = nil, packs: Bool = false,
        timeToLive: Double = 30 * 24 * 3600, log: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.site = site
        self.service = service
        self.run = run
        self.order = order
        self.packs = packs
        self.timeToLive = timeToLive
        self.log = log
    }

    public func perform(_ task: SiteTask) async throws -> SiteReply {
        let node = try await service.node(named: site)
        if let order {
            var content = RecordDict()
            content["config"] = .config(["cohort-payload": .bytes([UInt8](order))])
            _ = try await ask(node, "query.begin", group: "start", key: Self.digest([order]), content)
        }
        let (type, content) = try task.message(packs: packs)
        let reply = try await ask(node, type, group: task.group, key: try task.key, content)
        return try SiteReply(toMessageOfType: type, content: reply)
    }

    private func ask(
        _ node: UInt64, _ type: String, group: String, key: String, _ content: RecordDict
    ) async throws -> RecordDict {
        let question = FleetService.Question(
            key: "\(run) \(type) \(group) \(key)", runID: run, type: type, group: group, timeToLive: timeToLive)
        let id = try await send(question, to: node, content)
        // Not before: the new message may be made of the same objects.
        if type == "train" { await letGo(besides: group) }
        let reply: FleetReply
        do { reply = try await service.reply(to: id) } catch {
            // Given up: what comes now comes too late.
            if error is CancellationError || Task.isCancelled { await service.discard(id) }
            throw error
        }
        if let failure = reply.failure {
            // It shall be tried anew when it is asked again.
            await service.discard(id)
            throw FederationError.site(failure.reason.isEmpty ? "\(failure)" : failure.reason)
        }
        do {
            let records = try reply.records()
            // What a run begins with is kept to its end: it may be asked for again.
            if group != "start" { read.withLock { $0.append((group, id)) } }
            return records
        } catch {
            await service.discard(id)
            throw error
        }
    }

    /// Sends when the server's disk has room for it: that it is full is not the site's failure.
    private func send(
        _ question: FleetService.Question, to node: UInt64, _ content: RecordDict
    ) async throws -> ObjectID {
        var isSaid = false
        while true {
            do { return try await service.send(question, to: node) { content } } catch FederationError.fullDisk(
                let path)
            {
                if !isSaid { log("\(FederationError.fullDisk(path)) The next task of \(site) waits for it.") }
                isSaid = true
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Lets messages of other rounds go: what came of them is in the run's journal by now.
    private func letGo(besides group: String) async {
        let old = read.withLock { read in
            let old = read.filter { $0.group != group }
            read.removeAll { $0.group != group }
            return old
        }
        for message in old { await service.discard(message.id) }
    }

    static func digest(_ parts: [Data]) -> String {
        var hash = SHA256()
        for part in parts {
            withUnsafeBytes(of: UInt64(part.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: part)
        }
        return ObjectID(hash.finalize()).description
    }
}

extension SiteTask {
    /// What messages of one round have in common.
    fileprivate var group: String {
        switch self {
        case .answer(let question): "\(question.round)"
        case .train(let task): "\(task.round)"
        case .validate(let task): "\(task.round)"
        case .describe, .initialWeights: "start"
        case .sendModel, .finish: "end"
        }
    }

    /// Equal for tasks that ask the same within a run: a round's model follows from the run, so that its tensors need not
    /// be looked at.
    fileprivate var key: String {
        get throws {
            switch self {
            case .answer(let question):
                return FleetLink.digest([
                    Data("\(question.addressee) \(question.round) \(question.step)".utf8), question.payload,
                ])
            case .describe, .sendModel: return ""
            case .initialWeights(let names): return FleetLink.digest(names.map { Data($0.utf8) })
            case .train(let task):
                // Under masks that were agreed upon anew, what was sealed before is of no use.
                return Self.key(
                    "\(task.content) \(task.proximalTerm) \(task.frozen)", task.model,
                    task.session.map { [$0] } ?? [])
            case .validate(let task): return Self.key("\(task.owner)", task.model)
            case .finish(let model): return Self.key("", model)
            }
        }
    }

    private static func key(_ words: String, _ model: Weights, _ more: [Data] = []) -> String {
        FleetLink.digest([Data(words.utf8)] + model.descriptions.map { Data("\($0)".utf8) } + more)
    }
}

extension FleetService {
    /// The node of this name, as soon as there is one.
    func node(named name: String) async throws -> UInt64 {
        let changes = changes()
        if let node = nodes.first(where: { $0.name.description == name && $0.status != .unregistered }) {
            return node.id
        }
        for await node in changes where node.name.description == name && node.status != .unregistered {
            return node.id
        }
        throw CancellationError()
    }
}
