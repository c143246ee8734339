import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The runs that were handed to a server: carried out one after the other, each in a folder of its own, `runs/1`, `runs/2`, …
///
/// A server that was stopped, or killed, takes up the run that was under way.
public actor RunQueue {
    public enum State: String, Sendable, Codable { case waiting, running, finished, failed, stopped }

    /// What is known of a run.
    public struct Entry: Sendable, Codable, Equatable {
        public var id: Int
        public var name: String
        public var submitter: String
        public var organisation: String
        public var submitted: Date
        public var state = State.waiting
        /// Why it failed.
        public var reason: String?
    }

    /// Carries out one run in its folder; cancelling ends it so that it can be taken up.
    public typealias Perform =
        @Sendable (_ id: Int, RunFile, _ folder: URL, _ print: @escaping @Sendable (String) -> Void)
        async throws -> Void

    private let folder: URL
    private let perform: Perform
    private var entries: [Int: Entry] = [:]
    private var current: (id: Int, task: Task<Void, any Error>)?
    private var wakeUp: CheckedContinuation<Void, Never>?

    public init(_ folder: URL, perform: @escaping Perform) throws {
        self.folder = folder
        self.perform = perform
        let files = FileManager.default
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in try files.contentsOfDirectory(atPath: folder.path) {
            guard let id = Int(name), let data = try? Data(contentsOf: Self.record(id, in: folder)),
                let entry = try? JSONDecoder().decode(Entry.self, from: data)
            else { continue }
            entries[id] = entry
        }
    }

    private static func folder(_ id: Int, in folder: URL) -> URL { folder.appending(path: "\(id)") }
    private static func record(_ id: Int, in folder: URL) -> URL {
        Self.folder(id, in: folder).appending(path: "state.json")
    }

    // MARK: From outside

    public var all: [Entry] { entries.values.sorted { $0.id < $1.id } }

    /// - Throws: `StudyError.setting` where there is no such run.
    public func entry(_ id: Int) throws -> Entry {
        guard let entry = entries[id] else {
            throw StudyError.setting("There is no run \(id) here; cohort status lists them.")
        }
        return entry
    }

    /// Takes a run in. It is on the disk when this returns.
    public func submit(_ run: RunFile, by submitter: String, of organisation: String) throws -> Entry {
        let id = (entries.keys.max() ?? 0) + 1
        let entry = Entry(
            id: id, name: run.name, submitter: submitter, organisation: organisation, submitted: Date())
        let own = Self.folder(id, in: folder)
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        try Data(run.yaml().utf8).write(to: own.appending(path: "submitted.yaml"), options: .atomic)
        try keep(entry)
        wakeUp?.resume()
        wakeUp = nil
        return entry
    }

    /// Ends a run for good, whether it waits or is under way.
    public func stop(_ id: Int) throws {
        var entry = try entry(id)
        guard entry.state == .waiting || entry.state == .running else {
            throw StudyError.setting("Run \(id) is not under way: it is \(entry.state.rawValue).")
        }
        entry.state = .stopped
        try keep(entry)
        if current?.id == id { current?.task.cancel() }
    }

    /// The lines that a run printed.
    public func log(_ id: Int) throws -> String {
        _ = try entry(id)
        return (try? String(contentsOf: Self.folder(id, in: folder).appending(path: "log.txt"), encoding: .utf8)) ?? ""
    }

    /// The files of a run that people take home, by their paths below its folder.
    public func files(_ id: Int) throws -> [String] {
        _ = try entry(id)
        let own = Self.folder(id, in: folder)
        let found = FileManager.default.enumerator(atPath: own.path)?.compactMap { $0 as? String } ?? []
        return found.filter { path in
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            let isKept = !name.hasPrefix(".") && name != "state.json" && !path.hasSuffix(".safetensors")
            return isKept
                && (try? FileManager.default.attributesOfItem(atPath: own.appending(path: path).path))?[.type]
                    as? FileAttributeType == .typeRegular
        }.sorted()
    }

    /// One of those files.
    public func file(_ id: Int, _ path: String) throws -> URL {
        guard try files(id).contains(path) else { throw StudyError.setting("Run \(id) has no file \(path).") }
        return Self.folder(id, in: folder).appending(path: path)
    }

    // MARK: Work

    /// Carries out what is there and what comes, until it is cancelled.
    public func work() async throws {
        while true {
            try Task.checkCancellation()
            guard let next = all.first(where: { $0.state == .running }) ?? all.first(where: { $0.state == .waiting })
            else {
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in
                        if Task.isCancelled { continuation.resume() } else { wakeUp = continuation }
                    }
                } onCancel: {
                    Task { await self.wake() }
                }
                continue
            }
            try await carryOut(next)
        }
    }

    private func wake() {
        wakeUp?.resume()
        wakeUp = nil
    }

    private func carryOut(_ entry: Entry) async throws {
        let own = Self.folder(entry.id, in: folder)
        var entry = entry
        entry.state = .running
        try keep(entry)
        let log = RunLog(own.appending(path: "log.txt"))
        let task = Task { [perform, id = entry.id] in
            let run = try RunFile(contentsOf: own.appending(path: "submitted.yaml"))
            try await perform(id, run, own) { log.write($0) }
        }
        current = (entry.id, task)
        let result = await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            task.cancel()
        }
        current = nil
        // The server itself ends: the run is taken up when it comes back.
        try Task.checkCancellation()
        guard entries[entry.id]?.state == .running else { return log.write("stopped") }
        switch result {
        case .success:
            entry.state = .finished
            log.write("finished")
        case .failure(let error):
            entry.state = .failed
            entry.reason = "\(error)"
            log.write("failed: \(error)")
        }
        try keep(entry)
    }

    private func keep(_ entry: Entry) throws {
        entries[entry.id] = entry
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try encoder.encode(entry).write(to: Self.record(entry.id, in: folder), options: .atomic)
    }
}

/// The lines of one run, in its folder.
private final class RunLog: Sendable {
    private let file: AppendedFile

    init(_ url: URL) { file = AppendedFile(url: url) }

    func write(_ line: String) { try? file.append(Array((line + "\n").utf8)) }
}
