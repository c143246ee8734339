import Federation
import Foundation
import Study
import Synchronization
import Testing

@Suite struct RunQueueTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "cohort-\(UUID().uuidString)")

    private struct Broken: Error {}

    private final class Ended: Sendable {
        private let runs = Mutex<[Int]>([])
        var all: [Int] { runs.withLock { $0 } }
        func add(_ id: Int) { runs.withLock { $0.append(id) } }
    }

    private func wait(until isSo: () async throws -> Bool) async throws {
        for _ in 0..<500 {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("waited in vain")
    }

    @Test func theEndOfARunIsToldHoweverItCame() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let ended = Ended()
        let queue = try RunQueue(folder, ended: { ended.add($0) }) { id, _, _, _ in
            if id == 1 { return }
            if id == 2 { throw Broken() }
            try await Task.sleep(for: .seconds(600))
        }
        let run = try RunFile(yaml: "sites: [{dataset: 1}]")
        for _ in 1...4 { _ = try await queue.submit(run, by: "ada", of: "university") }
        let work = Task { try await queue.work() }
        try await wait { try await queue.entry(3).state == .running }
        #expect(ended.all == [1, 2])
        try await queue.stop(3)
        try await wait { try await queue.entry(4).state == .running }
        // The server itself ends: run 4 goes on with the next one.
        work.cancel()
        _ = await work.result
        #expect(ended.all == [1, 2, 3])
        #expect(await queue.all.map(\.state) == [.finished, .failed, .stopped, .running])
    }

    @Test func aFullDiskIsWaitedFor() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let tries = Ended()
        let queue = try RunQueue(folder, pause: .milliseconds(10)) { id, _, _, _ in
            tries.add(id)
            guard id == 2 || tries.all.count < 3 else { return }
            if tries.all.count == 2 { throw CocoaError(.fileWriteOutOfSpace) }
            throw FederationError.fullDisk("model")
        }
        let run = try RunFile(yaml: "sites: [{dataset: 1}]")
        for _ in 1...2 { _ = try await queue.submit(run, by: "ada", of: "university") }
        let work = Task { try await queue.work() }
        defer { work.cancel() }
        try await wait { try await queue.entry(1).state == .finished }
        #expect(tries.all.prefix(3) == [1, 1, 1] && !tries.all.dropFirst(3).contains(1))
        let lines = try await queue.log(1).split(separator: "\n")
        #expect(lines.count == 2 && lines[0].contains("The disk of model is full") && lines[1] == "finished")
        // One that waits for room can be stopped.
        try await wait { tries.all.count > 5 }
        try await queue.stop(2)
        try await wait { try await queue.log(2).hasSuffix("stopped\n") }
        #expect(try await queue.entry(2).state == .stopped)
    }

    @Test func aNumberIsNotGivenTwice() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let own = folder.appending(path: "4")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        try Data("{".utf8).write(to: own.appending(path: "state.json"))
        let queue = try RunQueue(folder) { _, _, _, _ in }
        let run = try RunFile(yaml: "sites: [{dataset: 1}]")
        #expect(try await queue.submit(run, by: "ada", of: "university").id == 5)
        #expect(try Data(contentsOf: own.appending(path: "state.json")) == Data("{".utf8))
    }

    @Test func filesOfARunLieInItsFolder() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "sent")
        let runs = folder.appending(path: "runs")
        let queue = try RunQueue(runs) { _, _, _, _ in }
        // Of a server that was killed before it had taken the run in.
        try FileManager.default.createDirectory(at: runs.appending(path: "1/server"), withIntermediateDirectories: true)
        for name in ["app.fab", "server/global-1.safetensors", "initial.safetensors", "model.safetensors"] {
            try Data("old".utf8).write(to: runs.appending(path: "1/" + name))
        }
        try Data("new".utf8).write(to: file)
        let run = try RunFile(yaml: "sites: [{dataset: 1}]")
        let entry = try await queue.submit(run, by: "ada", of: "university", files: ["app.fab": file])
        #expect(entry.id == 1)
        #expect(try Data(contentsOf: runs.appending(path: "1/app.fab")) == Data("new".utf8))
        // Another may hand in the same file.
        #expect(try Data(contentsOf: file) == Data("new".utf8))
        // What the server works with stays there; the result goes home.
        #expect(try await queue.files(1) == ["app.fab", "model.safetensors", "submitted.yaml"])
    }
}
