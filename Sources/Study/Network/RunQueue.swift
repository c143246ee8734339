import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
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

        public init(id: Int, name: String, submitter: String, organisation: String, submitted: Date) {
            self.id = id
            self.name = name
            self.submitter = submitter
            self.organisation = organisation
            self.submitted = submitted
        }
    }

    /// Carries out one run in its folder; cancelling ends it so that it can be taken up.
    public typealias Perform =
        @Sendable (_ id: Int, RunFile, _ folder: URL, _ print: @escaping @Sendable (String) -> Void)
        async throws -> Void
    /// Called when a run has come to its end: finished, failed or stopped, but not where the server itself ends.
    public typealias Ended = @Sendable (_ id: Int) async -> Void

    private let folder: URL
    private let perform: Perform
    private let ended: Ended
    /// Between two tries while a disk is full.
    private let pause: Duration
    /// The highest number that was given, also to a run whose record cannot be read.
    private var last = 0
    private var entries: [Int: Entry] = [:]
    private var current: (id: Int, task: Task<Void, any Error>)?
    private var wakeUp: CheckedContinuation<Void, Never>?

    /// - Parameter pause: before a run that found a disk full is taken up again.
    public init(
        _ folder: URL, pause: Duration = .seconds(10), ended: @escaping Ended = { _ in }, perform: @escaping Perform
    ) throws {
        self.folder = folder
        self.pause = pause
        self.perform = perform
        self.ended = ended
        let files = FileManager.default
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in try files.contentsOfDirectory(atPath: folder.path) {
            guard let id = Int(name), files.fileExists(atPath: Self.record(id, in: folder).path) else { continue }
            last = max(last, id)
            guard let data = try? Data(contentsOf: Self.record(id, in: folder)),
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
    ///
    /// - Parameter files: for the run's folder, under these names; they stay where they are.
    public func submit(
        _ run: RunFile, by submitter: String, of organisation: String, files: [String: URL] = [:]
    ) throws -> Entry {
        let id = last + 1
        let entry = Entry(
            id: id, name: run.name, submitter: submitter, organisation: organisation, submitted: Date())
        let own = Self.folder(id, in: folder)
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        for (name, file) in files {
            let target = own.appending(path: name)
            // Of a server that ended before it had taken the run in.
            try? FileManager.default.removeItem(at: target)
            do { try FileManager.default.linkItem(at: file, to: target) } catch {
                try FileManager.default.copyItem(at: file, to: target)
            }
        }
        try Self.write(Data(run.yaml().utf8), to: own.appending(path: "submitted.yaml"))
        try write(entry)
        try DurableFile(folder, flags: O_RDONLY | O_DIRECTORY).reachDisk()
        entries[id] = entry
        last = id
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
        guard let current, current.id == id else {
            try write(entry)
            entries[id] = entry
            return
        }
        // It ends even where there is no room to say so; what carries it out writes it down in the end.
        entries[id] = entry
        current.task.cancel()
        try? write(entry)
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
            // The server's own state of the rounds stays; a model that is the run's result goes home.
            let isState = path.hasPrefix("server/") && path.hasSuffix(".safetensors")
            let isKept = !name.hasPrefix(".") && name != "state.json" && !isState && name != RunFile.Flower.initialFile
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
        entries[entry.id] = entry
        // Waiting or running, it is taken up after a restart: a full disk is nothing to wait for here.
        try? write(entry)
        let log = RunLog(own.appending(path: "log.txt"))
        let task = Task { [perform, pause, id = entry.id] in
            var isSaid = false
            while true {
                do {
                    let run = try RunFile(contentsOf: own.appending(path: "submitted.yaml"))
                    return try await perform(id, run, own) { log.write($0) }
                } catch let error where isFullDisk(error) {
                    isSaid = isSaid || log.write("waits until there is room on the disk: \(error)")
                    try await Task.sleep(for: pause)
                }
            }
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
        await ended(entry.id)
        guard entries[entry.id]?.state == .running else {
            log.write("stopped")
            return try await keep(entry.id, log)
        }
        switch result {
        case .success:
            entry.state = .finished
            log.write("finished")
        case .failure(let error):
            entry.state = .failed
            entry.reason = "\(error)"
            log.write("failed: \(error)")
        }
        entries[entry.id] = entry
        try await keep(entry.id, log)
    }

    /// Writes down what became of a run, as soon as the disk takes it.
    private func keep(_ id: Int, _ log: RunLog) async throws {
        var isSaid = false
        while let entry = entries[id] {
            do { return try write(entry) } catch {
                isSaid = isSaid || log.write("its end cannot be written down yet: \(error)")
                try await Task.sleep(for: pause)
            }
        }
    }

    private func write(_ entry: Entry) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try Self.write(encoder.encode(entry), to: Self.record(entry.id, in: folder))
    }

    private static func write(_ data: Data, to url: URL) throws {
        try DurableFile.write(to: url) { file in try data.withUnsafeBytes { try file.write($0) } }
    }
}

/// The lines of one run, in its folder.
private final class RunLog: Sendable {
    private let file: AppendedFile

    init(_ url: URL) { file = AppendedFile(url: url) }

    /// - Returns: whether the line could be written.
    @discardableResult func write(_ line: String) -> Bool {
        do { try file.append(Array((line + "\n").utf8)) } catch { return false }
        return true
    }
}
