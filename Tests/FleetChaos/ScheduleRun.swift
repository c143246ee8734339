import Federation
import Foundation

/// Lets a schedule happen: a server, its sites, the link between them, and the faults at their moments.
struct ScheduleRun {
    struct Outcome: Sendable {
        /// What was not as it must be; empty where all was well.
        var faults: [String] = []
        var seconds = 0.0
        var kills = 0
        var cuts = 0
        var restarts = 0
        var filledDisk = false
        var bytes = 0
    }

    let schedule: Schedule
    let peer: URL
    let kits: Kits
    /// Kept where something went wrong.
    let folder: URL
    let limit: Duration

    private var names: [String] { Array(Schedule.names[1...schedule.sites]) }

    func run() async throws -> Outcome {
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let disk = try schedule.fullDisk.map { _ in
            try ScratchDisk(folder.appending(path: "server"), bytes: 40 * schedule.bytes + (96 << 20))
        }
        defer { disk?.unmount() }
        let start = ContinuousClock.now
        var outcome = try await FaultyLink.run(schedule) { link in
            let server = Keeper("server", peer, serverArguments, in: folder)
            let sites = names.map { Keeper($0, peer, siteArguments($0, port: link.port), in: folder) }
            let ended = try await within(limit) {
                try await work(server, sites, link, disk)
            }
            var outcome = Outcome()
            outcome.kills = ([server] + sites).map(\.kills).reduce(0, +)
            outcome.restarts = server.failures
            (outcome.cuts, outcome.bytes) = (link.cuts, link.bytes)
            if !ended { outcome.faults.append("it did not end within \(limit)") }
            if server.failures > 0 && schedule.fullDisk == nil {
                outcome.faults.append("the server gave up \(server.failures) times")
            }
            for site in sites where site.failures > 0 {
                outcome.faults.append("site \(site.name) gave up \(site.failures) times")
            }
            return outcome
        }
        outcome.filledDisk = disk != nil
        outcome.seconds = (.now - start) / .seconds(1)
        outcome.faults += try await findings()
        if outcome.faults.isEmpty {
            disk?.unmount()
            try FileManager.default.removeItem(at: folder)
        } else if let disk {
            // What lies in memory goes with its mount.
            try? FileManager.default.copyItem(at: disk.folder, to: folder.appending(path: "server-disk"))
        }
        return outcome
    }

    /// Runs everything until the server has done its work.
    private func work(_ server: Keeper, _ sites: [Keeper], _ link: FaultyLink, _ disk: ScratchDisk?) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await server.run { offset in
                    link.connect(to: nil)
                    // The port is another one in every life.
                    while true {
                        let port = server.text(from: offset).firstMatch(of: /listening on port (\d+)/)
                        if let port { return link.connect(to: Int(port.1)) }
                        if server.hasEnded { return }
                        try await Task.sleep(for: .milliseconds(5))
                    }
                }
                return true
            }
            for site in sites {
                group.addTask {
                    try await site.run()
                    return false
                }
            }
            let start = ContinuousClock.now
            for kill in schedule.kills {
                group.addTask {
                    try await wait(until: kill.moment, since: start, link)
                    (kill.process == 0 ? server : sites[kill.process - 1]).kill(pause: kill.pause)
                    return false
                }
            }
            if let fault = schedule.fullDisk, let disk {
                group.addTask {
                    try await wait(until: fault.moment, since: start, link)
                    disk.fill(leaving: fault.free)
                    try await Task.sleep(for: .seconds(fault.seconds))
                    disk.empty()
                    return false
                }
            }
            while let isDone = try await group.next(), !isDone {}
            group.cancelAll()
            while let _ = await group.nextResult() {}
        }
    }

    private func wait(until moment: Schedule.Moment, since start: ContinuousClock.Instant, _ link: FaultyLink)
        async throws
    {
        switch moment {
        case .seconds(let seconds): try await Task.sleep(until: start + .seconds(seconds))
        case .bytes(let count): while link.bytes < count { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    // MARK: The end

    private var serverFolder: URL { folder.appending(path: "server") }
    private var model: URL { serverFolder.appending(path: "final.safetensors") }

    /// Weights, contributions and what is left, as they must be.
    private func findings() async throws -> [String] {
        var faults: [String] = []
        let expect = try ChildProcess(
            peer,
            [
                "expect", "--targets=" + list(Schedule.targets(schedule.sites)),
                "--examples=" + list(Schedule.examples(schedule.sites)), "--rounds", "\(schedule.rounds)", "--model",
                model.path, "--varied",
            ], log: folder.appending(path: "expect.log"))
        if await expect.ending() != 0 { faults.append("the final weights are wrong") }

        let journal = try? Journal(serverFolder.appending(path: "run/journal.jsonl"))
        let reports = (journal?.entries ?? []).compactMap { entry -> RoundReport? in
            if case .round(let report, _, _, _) = entry { report } else { nil }
        }
        if reports.map(\.round) != Array(1...schedule.rounds) {
            faults.append("the journal has the rounds \(reports.map(\.round))")
        }
        for report in reports {
            if report.participants != names || report.sites.map(\.examples) != Schedule.examples(schedule.sites) {
                faults.append("in round \(report.round), \(report.participants) took part")
            }
            if report.sites.contains(where: { $0.validation == nil }) {
                faults.append("in round \(report.round), not all judged the model")
            }
        }
        let fleet = serverFolder.appending(path: "fleet")
        let left = ["objects", "messages"].flatMap { files(in: fleet.appending(path: $0)) }
            .filter { $0.lastPathComponent != "boot" }  // when the store was last looked through
        if !left.isEmpty { faults.append("the server keeps \(left.count) files of a run that is over") }
        return faults
    }

    private func files(in folder: URL) -> [URL] {
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        return (all?.allObjects ?? []).compactMap { $0 as? URL }.filter {
            (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true
        }
    }

    // MARK: Arguments

    private func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ",") }

    private var serverArguments: [String] {
        var arguments = [
            "server", "--folder", serverFolder.path, "--port", "0", "--sites", names.joined(separator: ","),
            "--rounds", "\(schedule.rounds)", "--output", model.path,
        ]
        switch schedule.identity {
        case .certificates:
            arguments += [
                "--cert", kits.certificate("server").path, "--key", kits.certificateKey("server").path, "--roots",
                kits.roots.path,
            ]
        case .keys: arguments += ["--keys", kits.keys.path]
        }
        return arguments + (schedule.packed ? ["--packed"] : [])
    }

    private func siteArguments(_ name: String, port: Int) -> [String] {
        let index = names.firstIndex(of: name)!
        var arguments = [
            "site", "--name", name, "--folder", folder.appending(path: name).path,
            "--target=\(Schedule.targets(schedule.sites)[index])", "--examples",
            "\(Schedule.examples(schedule.sites)[index])", "--bytes", "\(schedule.bytes)", "--tensors",
            "\(schedule.tensors)", "--varied", "--heartbeat", "10", "--wait", "1.5", "--read-timeout", "4",
            "--first-pause", "0.1",
            "--longest-pause", "1",
        ]
        switch schedule.identity {
        case .certificates:
            arguments += [
                "--server", "https://127.0.0.1:\(port)", "--cert", kits.certificate(name).path, "--key",
                kits.certificateKey(name).path, "--roots", kits.roots.path,
            ]
        case .keys:
            arguments += ["--server", "http://127.0.0.1:\(port)", "--key-file", kits.signingKey(name).path]
        }
        if let disorder = schedule.disorder {
            arguments += [
                "--repeats", "\(disorder.repeats)", "--delays", "\(disorder.delays)", "--disorder-seed",
                "\(schedule.seed &* 4 &+ UInt64(index))",
            ]
        }
        return arguments
    }
}

/// - Returns: whether the body ended within the time; it is cancelled otherwise.
private func within(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws -> Bool {
    try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            try await body()
            return true
        }
        group.addTask {
            try await Task.sleep(for: limit)
            return false
        }
        defer { group.cancelAll() }
        return try await group.next()!
    }
}
