import Foundation
import Testing

/// A few schedules of `fleet-chaos`, which `make chaos` runs by the hundred.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["COHORT_CHAOS"] != nil,
        "its processes would starve the other tests: set COHORT_CHAOS, or make chaos"))
struct ChaosTests {
    /// Beside the test runner; built with it.
    private static let folder = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent()

    @Test func runsUnderFaultsEndWithTheRightWeights() throws {
        let program = Self.folder.appending(path: "fleet-chaos")
        try #require(FileManager.default.isExecutableFile(atPath: program.path), "build with --build-tests")
        let process = Process()
        process.executableURL = program
        process.arguments = ["--schedules", "5", "--seed", "1", "--jobs", "5"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("5 schedules, 0 failed"), "\(text)")
    }
}
