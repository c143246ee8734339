import ArgumentParser
import Foundation

/// Federated runs in real processes under faults that follow from a seed: each must end with the exact weights.
@main
struct FleetChaos: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-chaos",
        abstract: "Runs of a server and its sites under faults; each must end with the right weights.",
        discussion: """
            A schedule follows from its seed: processes killed at any instant, connections cut at any byte, slow and late \
            links, calls made twice and out of order, and a full disk at the server (where this process may mount one in \
            memory). When the bytes on the wire fall differently, faults strike elsewhere: a seed repeats the plan, not the \
            instant.
            """)

    @Option(help: "How many.") var schedules = 200
    @Option(help: "Of the first schedule; the others follow.") var seed: UInt64 = 1
    @Option(help: "At the same time.") var jobs = 4
    @Option(help: "Seconds that a schedule may take.") var limit = 180.0
    @Option(help: "Of schedules that failed (default: a new one).") var folder: String?
    @Option(help: "The program of both ends (default: beside this one).") var peer: String?
    @Flag(help: "Shows the schedules and runs nothing.") var list = false

    func run() async throws {
        let seeds = (0..<UInt64(schedules)).map { seed &+ $0 }
        let canFillDisks = ScratchDisk.isAllowed
        if list {
            for seed in seeds { say(try json(Schedule(seed: seed, canFillDisks: canFillDisks))) }
            return
        }
        if !canFillDisks { say("no disk can be mounted here: none will be full") }
        let peer =
            peer.map { URL(filePath: $0) }
            ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "fleet-peer")
        let folder =
            folder.map { URL(filePath: $0) }
            ?? FileManager.default.temporaryDirectory.appending(path: "fleet-chaos-\(getpid())")
        if let left = try? FileManager.default.contentsOfDirectory(atPath: folder.path), !left.isEmpty {
            throw ValidationError(
                "\(folder.path) holds files, which a schedule would take for its own: name a new folder.")
        }
        let kits = try await Kits(folder.appending(path: "kits"), peer: peer)
        var (failed, sum) = ([UInt64](), ScheduleRun.Outcome())
        var disks = 0
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: (Schedule, ScheduleRun.Outcome).self) { group in
            var waiting = seeds.makeIterator()
            func begin() {
                guard let seed = waiting.next() else { return }
                let schedule = Schedule(seed: seed, canFillDisks: canFillDisks)
                group.addTask {
                    let run = ScheduleRun(
                        schedule: schedule, peer: peer, kits: kits, folder: folder.appending(path: "\(seed)"),
                        limit: .seconds(limit))
                    return (schedule, try await run.run())
                }
            }
            for _ in 0..<max(1, jobs) { begin() }
            var done = 0
            while let (schedule, outcome) = try await group.next() {
                begin()
                done += 1
                sum.kills += outcome.kills
                sum.cuts += outcome.cuts
                sum.bytes += outcome.bytes
                sum.restarts += outcome.restarts
                disks += outcome.filledDisk ? 1 : 0
                let figures = String(
                    format: "%d/%d seed %llu: %.1f s, %d kills, %d cuts, %.1f MB", done, seeds.count, schedule.seed,
                    outcome.seconds, outcome.kills, outcome.cuts, Double(outcome.bytes) / 1e6)
                if outcome.faults.isEmpty {
                    say(figures)
                } else {
                    failed.append(schedule.seed)
                    say("\(figures): FAILED: " + outcome.faults.joined(separator: "; "))
                    say("  \(try json(schedule))")
                    say("  its files: \(folder.appending(path: "\(schedule.seed)").path)")
                    say("  again: fleet-chaos --schedules 1 --seed \(schedule.seed)")
                }
            }
        }
        say(
            String(
                format: "%d schedules, %d failed; %d kills, %d cuts, %d full disks, %d restarts by the server, "
                    + "%.0f MB in %.0f s", seeds.count, failed.count, sum.kills, sum.cuts, disks, sum.restarts,
                Double(sum.bytes) / 1e6, (.now - start) / .seconds(1)))
        guard failed.isEmpty else {
            say("failed: " + failed.map(String.init).joined(separator: " "))
            throw ExitCode.failure
        }
        try? FileManager.default.removeItem(at: folder)
    }

    private func json(_ schedule: Schedule) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(schedule), as: UTF8.self)
    }

    /// A line that is out at once.
    private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
