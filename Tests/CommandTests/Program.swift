import Foundation

/// The built program, run as people run it: in a folder of its own, with an environment of its own.
struct Program {
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    let folder: URL
    /// Beside the test runner; built by the same `swift build --build-tests`.
    static let binary = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "cohort")
    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: binary.path) }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "cohort-commands-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// Runs the program, under another name where one is given.
    func callAsFunction(_ arguments: String..., name: String = "cohort", environment: [String: String] = [:]) throws
        -> Outcome
    {
        try self(arguments, name: name, environment: environment)
    }

    func callAsFunction(_ arguments: [String], name: String = "cohort", environment: [String: String] = [:]) throws
        -> Outcome
    {
        let process = try start(arguments, name: name, environment: environment)
        process.waitUntilExit()
        return try outcome(of: process)
    }

    /// Starts the program and leaves it running.
    ///
    /// - Parameter log: where its output goes, for programs that run beside others.
    func start(
        _ arguments: [String], name: String = "cohort", environment: [String: String] = [:], log: String = ""
    ) throws -> Process {
        let files = files(log)
        var executable = Self.binary
        if name != "cohort" {
            executable = folder.appending(path: name)
            if !FileManager.default.fileExists(atPath: executable.path) {
                try FileManager.default.createSymbolicLink(at: executable, withDestinationURL: Self.binary)
            }
        }
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = environment
        // Files, not pipes: nothing waits for a full pipe.
        for file in files { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
        return process
    }

    func outcome(of process: Process) throws -> Outcome {
        let files = files("")
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOf: files[0], encoding: .utf8),
            errors: try String(contentsOf: files[1], encoding: .utf8))
    }

    private func files(_ log: String) -> [URL] {
        [".out", ".err"].map { folder.appending(path: log.isEmpty ? $0 : log + $0) }
    }

    func bytes(_ path: String) throws -> Data { try Data(contentsOf: folder.appending(path: path)) }
    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: folder.appending(path: path).path) }
}
