import Foundation
import Testing

/// What is refused before anything goes over the wire; with stock Flower, `make interop` tries the rest.
@Suite("Flower", .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct FlowerCommandTests {
    private static let link = ["site", "--superlink", "https://127.0.0.1:9", "--key", "k.pem", "--folder", "s"]

    @Test(arguments: [
        (["site"], "Name the site's kit, or give --superlink and --key."),
        (["site", "--key", "k.pem", "--folder", "s"], "--key goes with --superlink alone"),
        (["site", "kit", "--rounds", "3"], "--rounds goes with --superlink alone"),
        (["site", "kit", "--dataset", "301"], "--dataset goes with --superlink alone"),
        (["site", "kit", "--fold", "1"], "--fold goes with --superlink alone"),
        (["site", "kit", "--key", "k.pem", "--superlink", "https://a"], "--superlink needs --dataset"),
        (
            ["site", "kit", "--key", "k.pem", "--superlink", "https://a", "--dataset", "301"],
            "--key does not go with a kit"
        ),
        (
            ["site", "--key", "k.pem", "--superlink", "https://a", "--dataset", "301"],
            "Without a kit, say where to work: --folder."
        ),
        (link, "--superlink needs --dataset"),
        (link + ["--dataset", "301", "--rounds", "0"], "--rounds must be at least 1"),
        (link + ["--dataset", "301"], "No dataset has the number 301"),
        (["server", "register-node", "../a", "node.pub", "--folder", "."], "../a is no site's name"),
        (["server", "register-node", "a", "node.pub", "--folder", "."], "node.pub cannot be read"),
        (["server", "unregister-node", "a", "--folder", "."], "neither a server's kit nor a folder"),
    ])
    func whatDoesNotGoTogetherIsRefused(arguments: [String], expected: String) throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let outcome = try cohort(arguments)
        #expect(outcome.status != 0 && outcome.errors.contains(expected), "\(outcome.errors)")
    }

    @Test func aNodeIsRegisteredOnlyWithItsLineOfAudit() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let key = """
            -----BEGIN PUBLIC KEY-----
            MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEC/h0cVP0YvOSVng3EVK7+N/Vo/Er7Oni
            i0t7moHG1XZDobU6O41M3TKPKJJ+bMui/+DtsfeQsaGgXjuQ4Ldl7eFmeA7yeLo0
            411HeHZS0oWWZLHv0VVp8/sF3j6D+GI6
            -----END PUBLIC KEY-----

            """
        try Data(key.utf8).write(to: cohort.folder.appending(path: "node.pub"))
        let audit = cohort.folder.appending(path: "audit.jsonl")
        for folder in [cohort.folder.appending(path: "fleet"), audit] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        let register = ["server", "register-node", "a", "node.pub", "--folder", "."]
        let refused = try cohort(register)
        #expect(refused.status != 0 && refused.errors.contains("audit.jsonl"), "\(refused.errors)")
        #expect(!cohort.exists("nodes/a.pub"))
        try FileManager.default.removeItem(at: audit)
        let registered = try cohort(register)
        #expect(registered.status == 0 && cohort.exists("nodes/a.pub"), "\(registered.errors)")
        let lines = String(decoding: try cohort.bytes("audit.jsonl"), as: UTF8.self)
        #expect(lines.contains("as the node a"), "\(lines)")
    }

    @Test func aSuperLinkPreparesNothing() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let made = try cohort("phantom", "-d", "301", "--name", "H", "--cases", "5", "--size", "16", "20", "20")
        #expect(made.status == 0, "\(made.errors)")
        let raw = try cohort(Self.link + ["--dataset", "301"])
        #expect(raw.status == 1 && raw.errors.contains("run cohort plan-and-preprocess first"), "\(raw.errors)")
        let trainer = try cohort(Self.link + ["--dataset", "301", "-tr", "nonsense"])
        #expect(trainer.status == 1 && trainer.errors.contains("nonsense"), "\(trainer.errors)")
        // Without TLS the models could be read on the way.
        let planned = try cohort("plan-and-preprocess", "-d", "301", "-c", "3d_fullres")
        #expect(planned.status == 0, "\(planned.errors)")
        var plain = Self.link + ["--dataset", "301"]
        plain[2] = "http://superlink.example.org"
        let refused = try cohort(plain)
        #expect(refused.status == 1 && refused.errors.contains("Use https"), "\(refused.errors)")
        // A policy counts here as with any server, and is read before anything is dialled.
        try Data("work: [trian]".utf8).write(to: cohort.folder.appending(path: "policy.yaml"))
        let policy = try cohort(Self.link + ["--dataset", "301", "--policy", "policy.yaml"])
        #expect(policy.status == 1 && policy.errors.contains("trian"), "\(policy.errors)")
    }

    @Test func aRunWithNodesOfFlowersNeedsAServer() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let file = cohort.folder.appending(path: "run.yaml")
        try Data("sites: [{name: a, flower: true}]\nflower: {fab: a.fab, initial: a.safetensors}".utf8).write(to: file)
        let simulated = try cohort("simulate", "run.yaml")
        #expect(
            simulated.status == 1
                && simulated.errors.contains("a is a node of Flower's, which only a server can reach"),
            "\(simulated.errors)")
        // The files are looked at before anybody is asked.
        let submitted = try cohort("submit", "run.yaml", "--kit", "nobody")
        #expect(
            submitted.status == 1 && submitted.errors.contains("flower.fab: there is no file"), "\(submitted.errors)")
        try Data("no zip".utf8).write(to: cohort.folder.appending(path: "a.fab"))
        try Data("no model".utf8).write(to: cohort.folder.appending(path: "a.safetensors"))
        let bundle = try cohort("submit", "run.yaml", "--kit", "nobody")
        #expect(bundle.status == 1 && bundle.errors.contains("The app bundle cannot be used"), "\(bundle.errors)")
        try Data(count: 10 << 20 | 1).write(to: cohort.folder.appending(path: "a.fab"))
        let large = try cohort("submit", "run.yaml", "--kit", "nobody")
        #expect(large.status == 1 && large.errors.contains("10485760 are the most"), "\(large.errors)")
    }
}
