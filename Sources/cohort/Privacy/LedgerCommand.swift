import ArgumentParser
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "What a site has spent of its privacy, over all runs.",
        discussion: """
            Every dataset has a ledger. A line that is missing or was changed is told, and the command fails.

            EXAMPLES
              cohort privacy ledger --kit kits/hospital_a
              cohort privacy ledger --folder runs/hippocampus-4 --delta 1e-4
            """)

    @Option(help: ArgumentHelp("The site's kit.", valueName: "folder")) var kit: String?
    @Option(help: "Where ledgers are looked for: a site's folder, or a simulation's output.") var folder: String?
    @Option(help: "At which ε is counted.") var delta = 1e-5
    @Flag(help: "Count by privacy loss distributions, which are closer to the truth than Rényi divergences.")
    var pld = false

    func validate() throws {
        guard (kit == nil) != (folder == nil) else { throw ValidationError("Name one: --kit, or --folder.") }
        guard delta > 0, delta < 1 else { throw ValidationError("--delta lies between 0 and 1.") }
    }

    func run() async throws {
        let root = URL(filePath: kit ?? folder ?? "", directoryHint: .isDirectory)
        let found = try ledgers(in: root)
        guard !found.isEmpty else {
            throw ValidationError("There is no ledger in \(root.path): no run with privacy was begun there.")
        }
        var isBroken = false
        for (index, ledger) in found.enumerated() {
            if index > 0 { print("") }
            print(ledger.name)
            do {
                let ledger = try PrivacyLedger(folder: ledger.folder, accountant: pld ? .lossDistribution : .renyi)
                print(try await ledger.summary(delta: delta))
            } catch let error as PrivacyError {
                isBroken = true
                print("BROKEN: \(error)")
            }
        }
        if isBroken { throw ExitCode.failure }
    }

    /// Every folder that holds a ledger, by its path below the root.
    private func ledgers(in root: URL) throws -> [(name: String, folder: URL)] {
        let path = root.standardizedFileURL.path
        guard let files = FileManager.default.enumerator(atPath: path) else { return [] }
        var found: [(name: String, folder: URL)] = []
        while let name = files.nextObject() as? String {
            guard name.split(separator: "/").last == "ledger.jsonl" else { continue }
            let parts = name.split(separator: "/").dropLast()
            let folder = parts.joined(separator: "/")
            found.append((folder.isEmpty ? root.lastPathComponent : folder, root.appending(path: folder)))
        }
        return found.sorted { $0.name < $1.name }
    }
}
