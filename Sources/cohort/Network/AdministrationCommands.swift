import ArgumentParser
import Federation
import Fleet
import Provisioning
import Study

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

struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Hand a run in at a server: the run file that simulate takes.",
        discussion: """
            EXAMPLE
              cohort submit run.yaml --kit kits/anna
            """)

    @Argument(help: "The run file; its sites have their certificates' names.") var runFile: String
    @OptionGroup var administrator: KitOption
    @OptionGroup var values: RunValues

    func run() async throws {
        var run = try RunFile(contentsOf: URL(filePath: runFile))
        try values.apply(to: &run)
        let entry: RunQueue.Entry = try await administrator.ask(
            AdministrationEndpoint.submit, AdministrationEndpoint.Submission(runFile: run.yaml()))
        print("run \(entry.id): \(entry.name), \(entry.state.rawValue)")
    }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "A server's runs and sites, and how they are.")

    @OptionGroup var administrator: KitOption

    func run() async throws {
        let status: AdministrationEndpoint.Status = try await administrator.ask(
            AdministrationEndpoint.status, [String: String]())
        print(status.sites.isEmpty ? "No site has joined yet." : "SITES")
        for site in status.sites { print("  \(site.name): \(site.status)") }
        print(status.runs.isEmpty ? "No run was handed in yet." : "RUNS")
        for run in status.runs {
            print("  \(run.id)  \(run.name): \(run.state.rawValue), by \(run.submitter)")
            if let reason = run.reason { print("     \(reason)") }
        }
    }
}

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "logs", abstract: "What a run printed.")

    @Argument(help: "The run's number.") var number: Int
    @OptionGroup var administrator: KitOption

    func run() async throws {
        let log: AdministrationEndpoint.Log = try await administrator.ask(
            AdministrationEndpoint.logs, AdministrationEndpoint.RunRequest(run: number))
        print(log.text, terminator: "")
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "stop", abstract: "End a run for good.")

    @Argument(help: "The run's number.") var number: Int
    @OptionGroup var administrator: KitOption

    func run() async throws {
        let entry: RunQueue.Entry = try await administrator.ask(
            AdministrationEndpoint.stop, AdministrationEndpoint.RunRequest(run: number))
        print("run \(entry.id): \(entry.state.rawValue)")
    }
}

struct DownloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download", abstract: "Take a run's models and records home.")

    @Argument(help: "The run's number.") var number: Int
    @Option(name: .shortAndLong, help: "A new folder for it (default: run_NUMBER).") var output: String?
    @OptionGroup var administrator: KitOption

    func run() async throws {
        let folder = URL(filePath: output ?? "run_\(number)")
        guard !FileManager.default.fileExists(atPath: folder.path) else {
            throw ValidationError("\(folder.path) is there already. Choose another with -o.")
        }
        let answer: AdministrationEndpoint.Files = try await administrator.ask(
            AdministrationEndpoint.files, AdministrationEndpoint.RunRequest(run: number))
        // Whole or not at all.
        let partial = folder.deletingLastPathComponent().appending(path: ".\(folder.lastPathComponent).part")
        try? FileManager.default.removeItem(at: partial)
        do {
            try await administrator.withConnection { connection in
                for path in answer.files {
                    let parts = path.split(separator: "/")
                    guard !path.hasPrefix("/"), !parts.contains("..") else {
                        throw ValidationError("The server names a file outside of the folder: \(path).")
                    }
                    let target = partial.appending(path: path)
                    try FileManager.default.createDirectory(
                        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                    let request = AdministrationEndpoint.RunRequest(run: number, path: path)
                    _ = try await connection.post(
                        AdministrationEndpoint.file, headers: [("content-type", "application/json")],
                        body: MemorySource(Array(JSONEncoder().encode(request))), into: try DownloadedFile(target))
                }
            }
            try FileManager.default.moveItem(at: partial, to: folder)
        } catch {
            try? FileManager.default.removeItem(at: partial)
            throw error
        }
        print("\(answer.files.count) files in \(folder.path)")
    }
}

/// A file as it comes.
private actor DownloadedFile: ByteSink {
    private let url: URL
    private var file: DurableFile

    init(_ url: URL) throws {
        self.url = url
        file = try Self.begin(url)
    }

    private static func begin(_ url: URL) throws -> DurableFile {
        try DurableFile(url, flags: O_WRONLY | O_CREAT | O_TRUNC)
    }

    func restart(length: Int64?) throws { file = try Self.begin(url) }

    func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try file.write($0) } }
}
