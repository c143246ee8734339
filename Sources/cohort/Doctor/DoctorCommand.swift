import ArgumentParser
import Federation
import NNUNet
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check, before anything is trained, that this machine can take part.",
        discussion: """
            At a site: the kit and its certificate, the policy, the way to the server (name, port, proxy, inspection of TLS, \
            clock, speed), disk, memory, libtorch and GPU, and a dataset. At a server: the kit, its ports, disk and memory. Each \
            line passes or says what to do; the exit code is 1 where one fails.

            EXAMPLE
              cohort doctor kits/hospital_c
              cohort doctor kits/hospital_c 301 --run run.yaml
              cohort doctor kits/server --json
            """)

    @Argument(help: ArgumentHelp("The kit.", valueName: "kit")) var kit: String
    @Argument(help: "A dataset of this site: number or name; every case is read.") var dataset: String?
    @Flag(help: "Look at the dataset's files without reading them.") var quick = false
    @Option(help: "What the site lets runs do (default: site-policy.yaml among the kit's own files).")
    var policy: String?
    @Option(help: ArgumentHelp("Where the program will keep its runs (default: the kit's).", valueName: "folder"))
    var folder: String?
    @Option(name: .customLong("model-mb"), help: "Size of the model in MB (default: nnU-Net's 124).")
    var megabytes: Double?
    @Option(
        name: .customLong("run"), help: ArgumentHelp("Take the model's size from this run file.", valueName: "file"))
    var runFile: String?
    @Flag(help: "As JSON, when all is done.") var json = false
    @OptionGroup var processes: ProcessOptions
    @OptionGroup var passphrase: PassphraseOptions

    func validate() throws {
        if megabytes != nil, runFile != nil { throw ValidationError("Give --model-mb or --run, not both.") }
        guard (0.001...1e12).contains(megabytes ?? 1) else { throw ValidationError("--model-mb must be above 0.") }
        if quick, dataset == nil { throw ValidationError("--quick goes with a dataset.") }
    }

    func run() async throws {
        let json = json
        var checkup = Checkup { if !json { Self.show($0) } }
        do {
            try await check(try Kit(contentsOf: URL(filePath: kit)), &checkup)
        } catch let error as ProvisioningError where checkup.findings.isEmpty {
            checkup.note("kit", .fail("\(error)"))
        }
        if json { try printJSON(checkup) } else { summarise(checkup) }
        if checkup.hasFailed { throw ExitCode.failure }
    }

    private func check(_ kit: Kit, _ checkup: inout Checkup) async throws {
        // As the site itself finds them; what is wrong with its configuration, the check of the policy says.
        var folders = DatasetFolders()
        if kit.settings.kind == .site { folders = DatasetFolders.ofSite(try? kit.siteConfiguration()) }
        let dataset = try dataset.map(folders.datasetName)
        let size = try modelSize(kit, dataset, folders)
        let passphrase = passphrase
        let ofKey = { try passphrase.ofKey(kit.settings.name) }
        await KitChecks(kit: kit, passphrase: ofKey).run(&checkup)
        var allowed: SitePolicy?
        if kit.settings.kind == .site {
            allowed = await PolicyCheck(kit: kit, file: policy, size: size).run(&checkup)
        }
        if kit.settings.kind == .server {
            await ServerPortChecks(kit: kit).run(&checkup)
        } else {
            await ConnectionChecks(kit: kit, passphrase: ofKey, size: size).run(&checkup)
        }
        let place = folder.map { URL(filePath: $0) } ?? kit.folder.appending(path: "state")
        await MachineChecks(kind: kit.settings.kind, folder: place, size: size).run(&checkup)
        if let dataset {
            await DatasetChecks(
                name: dataset, policy: allowed, folders: folders, threads: processes.threads, isQuick: quick
            ).run(&checkup)
        }
    }

    private func modelSize(_ kit: Kit, _ dataset: String?, _ folders: DatasetFolders) throws -> ModelSize {
        if let megabytes { return ModelSize(megabytes: megabytes) }
        guard let runFile else { return .usual }
        return try ModelSize(
            of: RunFile(contentsOf: URL(filePath: runFile)), site: kit.settings.name, dataset: dataset, folders: folders
        )
    }

    private static func show(_ finding: Finding) {
        let mark =
            switch finding.verdict {
            case .pass: "ok  "
            case .warn: "WARN"
            case .fail: "FAIL"
            case .skip: "-   "
            }
        let check = finding.check + String(repeating: " ", count: max(0, 15 - finding.check.count))
        let lines = finding.text.split(separator: "\n")
        print("\(mark)  \(check)\(lines.joined(separator: "\n" + String(repeating: " ", count: 21)))")
    }

    private func summarise(_ checkup: Checkup) {
        func count(_ verdict: Finding.Verdict) -> Int { checkup.findings.count { $0.verdict == verdict } }
        print("\n\(count(.pass)) passed, \(count(.warn)) to look at, \(count(.fail)) failed, \(count(.skip)) left out")
    }

    private struct Report: Encodable {
        var passed: Bool
        var findings: [Finding]
    }

    private func printJSON(_ checkup: Checkup) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let report = Report(passed: !checkup.hasFailed, findings: checkup.findings)
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }
}
