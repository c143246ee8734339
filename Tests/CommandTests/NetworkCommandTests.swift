import Federation
import Foundation
import NNUNet
import Provisioning
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Server, sites and administrator as processes of their own, each with its folder and certificate, over mutual TLS.
@Suite(
    "Network", .serialized,
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct NetworkCommandTests {
    private let names = ["hospital_a", "hospital_b", "hospital_c"]

    private func hospitals(_ cohort: Program) throws {
        for number in ["301", "302", "303"] {
            let made = try cohort(
                "phantom", "-d", number, "--name", "H\(number)", "--cases", "6", "--test-cases", "1", "--size", "16",
                "20", "20", "--scanners", "1", "--seed", number)
            #expect(made.status == 0, "\(made.errors)")
        }
    }

    private static let run = """
        name: hospitals
        sites:
          - {name: hospital_a, dataset: 301, threads: 1}
          - {name: hospital_b, dataset: 302, threads: 1}
          - {name: hospital_c, dataset: 303, threads: 1}
        training: {rounds: 2, iterations_per_epoch: 2, validation_iterations_per_epoch: 1, batch_size: 2, precision: fp32}
        validation: {overlays: 0}
        device: cpu
        """

    /// Kits of a server, three sites and an administrator, joined by their invitations; `body` runs while all work.
    ///
    /// - Parameters:
    ///   - policies: `site-policy.yaml` of sites that have one.
    ///   - files: others, by their paths among the kits; given each site's key, as its certificate has it.
    private func withFederation(
        _ cohort: Program, policies: [String: String] = [:],
        files: ([String: String]) -> [String: String] = { _ in [:] },
        _ body: (_ kits: String, _ server: Process) async throws -> Void
    ) async throws {
        let ports = [try DoctorBench.freePort(), try DoctorBench.freePort()]
        let project = """
            project: study
            server: {name: server, org: university, hosts: [localhost, 127.0.0.1], port: \(ports[0]), \
            administration_port: \(ports[1])}
            """
        try Data(project.utf8).write(to: cohort.folder.appending(path: "project.yaml"))
        #expect(try cohort("provision", "project.yaml").status == 0)
        let kits = "workspace/study"
        let server = try cohort.start(["server", kits + "/server"], log: "server")
        defer { server.terminate() }
        var keys: [String: String] = [:]
        for name in names + ["anna@example.org"] {
            let role = name.contains("@") ? ["--role", "lead"] : []
            let invited = try cohort(
                ["provision", "invite", name, "--org", "O", "--server", kits + "/server"] + role)
            #expect(invited.status == 0, "\(invited.errors)")
            let file = cohort.exists(name + ".invitation") ? name + ".invitation" : kits + "/" + name + ".invitation"
            let joined = try cohort("join", file, "--folder", kits + "/" + name)
            #expect(joined.status == 0, "\(joined.errors)")
            keys[name] = try Kit(contentsOf: cohort.folder.appending(path: kits + "/" + name)).certificateChain()
                .keyFingerprint
        }
        for (name, policy) in policies {
            try Data(policy.utf8).write(to: cohort.folder.appending(path: kits + "/" + name + "/site-policy.yaml"))
        }
        for (path, content) in files(keys) {
            let file = cohort.folder.appending(path: kits + "/" + path)
            try Data(content.utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        }
        let sites = try names.map { try cohort.start(["site", kits + "/" + $0], log: $0) }
        defer { for site in sites { site.terminate() } }
        try await body(kits, server)
    }

    private func wait(for state: String, of run: String = "", _ cohort: Program, _ kits: String) async throws {
        for _ in 0..<600 {
            let status = try cohort("status", "--kit", kits + "/anna@example.org")
            if status.output.contains(run + ": " + state) { return }
            #expect(!status.output.contains(": failed"), "\(status.output)")
            if status.output.contains(": failed") { return }
            try await Task.sleep(for: .milliseconds(500))
        }
        Issue.record("the run did not come to be \(state)")
    }

    /// Each site signs with its certificate, and believes the others by theirs.
    @Test func theServerSeesTheSumAndNoUpdate() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try hospitals(cohort)
        let run = Self.run.replacing("rounds: 2", with: "rounds: 1")
        let strategy = "\nstrategy: {update: difference"
        let forms = ["masks", "lattice", "ckks"]
        try Data((run + strategy + "}").utf8).write(to: cohort.folder.appending(path: "plain.yaml"))
        for form in forms {
            try Data(
                (run + strategy + ", secure_aggregation: \(form)}").replacing("name: hospitals", with: "name: \(form)")
                    .utf8
            )
            .write(to: cohort.folder.appending(path: form + ".yaml"))
        }
        let plain = try cohort("simulate", "plain.yaml", "--output", "plain")
        #expect(plain.status == 0, "\(plain.errors)")
        let simulated = try cohort("simulate", "masks.yaml", "--output", "masks")
        #expect(simulated.status == 0, "\(simulated.errors)")
        #expect(simulated.output.contains("Secure sums: The server learns the weighted mean"), "\(simulated.output)")
        let global = "server/global-1.safetensors"
        let expected = try weights(cohort, "plain/" + global)
        #expect(try distance(expected, weights(cohort, "masks/" + global)) <= 1e-6)

        // The key of CKKS, which sites give each other past the server.
        let key = String(repeating: "k", count: 32)
        try await withFederation(
            cohort, files: { _ in Dictionary(uniqueKeysWithValues: names.map { ($0 + "/ckks.key", key) }) }
        ) { kits, server in
            for (number, form) in zip(1..., forms) {
                let submitted = try cohort("submit", form + ".yaml", "--kit", kits + "/anna@example.org")
                #expect(submitted.status == 0, "\(submitted.errors)")
                try await wait(for: "finished", of: form, cohort, kits)
                let state = kits + "/server/state/runs/\(number)/"
                let report = String(decoding: try cohort.bytes(state + "report.html"), as: UTF8.self)
                if form == "ckks" {
                    // The server cannot read what it has; each site has the model.
                    #expect(try weights(cohort, state + global).descriptions.map(\.type) == [.uint8])
                    #expect(report.contains("The server adds what it cannot read"))
                    let final = try NNUNetCheckpoint(
                        contentsOf: cohort.folder.appending(
                            path: kits + "/hospital_b/state/runs/\(number)/results/Dataset302_H302/"
                                + "nnUNetTrainer__nnUNetPlans__3d_fullres/fold_0/checkpoint_final.pth")
                    ).weights
                    // nnU-Net's checkpoints have some tensors under other names.
                    let shared = final.filter { expected[$0.name] != nil }
                    #expect(shared.count > 20)
                    for tensor in shared {
                        let other = try #require(expected[tensor.name]?.floats)
                        let own = tensor.array.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
                        #expect(own.count == other.count && zip(own, other).allSatisfy { abs($0 - $1) <= 1e-6 })
                    }
                } else {
                    #expect(try distance(expected, weights(cohort, state + global)) <= 1e-6)
                    #expect(report.contains("Secure sums") && report.contains("The server learns the weighted mean"))
                }
            }
        }
    }

    /// What its people have compared counts more than what the authority vouches for.
    @Test func aSiteBelievesNoKeyThatItsPeopleDoNotKnow() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try hospitals(cohort)
        try Data((Self.run + "\nstrategy: {update: difference, secure_aggregation: masks}").utf8).write(
            to: cohort.folder.appending(path: "masks.yaml"))
        try await withFederation(
            cohort,
            files: { _ in ["hospital_c/site-keys.json": #"{"hospital_a": "00", "hospital_b": "11"}"#] }
        ) { kits, server in
            let submitted = try cohort("submit", "masks.yaml", "--kit", kits + "/anna@example.org")
            #expect(submitted.status == 0, "\(submitted.errors)")
            for _ in 0..<240 {
                let status = try cohort("status", "--kit", kits + "/anna@example.org")
                if status.output.contains(": failed") { break }
                try await Task.sleep(for: .milliseconds(500))
            }
            let status = try cohort("status", "--kit", kits + "/anna@example.org")
            #expect(status.output.contains(": failed"), "\(status.output)")
            #expect(!cohort.exists(kits + "/server/state/runs/1/server/global-1.safetensors"))
        }
        let log = String(decoding: try cohort.bytes("hospital_c.out"), as: UTF8.self)
        #expect(log.contains("are not signed by it"), "\(log)")

        // With the keys that the others really have, the run goes well.
        cohort.remove()
        let again = try Program()
        defer { again.remove() }
        try hospitals(again)
        try Data(
            (Self.run.replacing("rounds: 2", with: "rounds: 1")
                + "\nstrategy: {update: difference, secure_aggregation: masks}").utf8
        ).write(to: again.folder.appending(path: "masks.yaml"))
        try await withFederation(
            again,
            files: { keys in
                let others = ["hospital_a", "hospital_b"].map { "\"\($0)\": \"\(keys[$0] ?? "")\"" }
                return ["hospital_c/site-keys.json": "{\(others.joined(separator: ", "))}"]
            }
        ) { kits, server in
            let submitted = try again("submit", "masks.yaml", "--kit", kits + "/anna@example.org")
            #expect(submitted.status == 0, "\(submitted.errors)")
            try await wait(for: "finished", again, kits)
        }
    }

    private func weights(_ cohort: Program, _ path: String) throws -> Weights {
        try WeightsFile(cohort.folder.appending(path: path)).weights()
    }

    private func distance(_ a: Weights, _ b: Weights) throws -> Float {
        #expect(a.descriptions == b.descriptions && !a.tensors.isEmpty)
        return try zip(a.tensors, b.tensors).map { x, y in
            zip(try #require(x.floats), try #require(y.floats)).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        }.max() ?? .infinity
    }

    @Test func aRunOverTheNetworkEndsWithTheBitsOfASimulation() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try hospitals(cohort)
        try Data(Self.run.utf8).write(to: cohort.folder.appending(path: "run.yaml"))
        let simulated = try cohort("simulate", "run.yaml", "--output", "simulated")
        #expect(simulated.status == 0, "\(simulated.errors)")

        try await withFederation(cohort, policies: ["hospital_c": "approval: true\n"]) { kits, server in
            let submitted = try cohort("submit", "run.yaml", "--kit", kits + "/anna@example.org")
            #expect(submitted.status == 0, "\(submitted.errors)")
            // A person at one site lets the run in: this order, and no other of its number.
            let state = kits + "/hospital_c/state"
            for _ in 0..<600 where !cohort.exists(state + "/runs/1/order.json") {
                try await Task.sleep(for: .milliseconds(100))
            }
            try Data("of another order".utf8).write(to: cohort.folder.appending(path: state + "/runs/1/approved"))
            try await Task.sleep(for: .seconds(2))
            #expect(!cohort.exists(state + "/runs/1/results"))
            #expect(try cohort("site", "approve", "2", "--folder", state).status != 0)
            let approved = try cohort("site", "approve", "1", "--folder", state)
            #expect(approved.status == 0, "\(approved.errors)")
            try await wait(for: "finished", cohort, kits)
            let downloaded = try cohort("download", "1", "-o", "home", "--kit", kits + "/anna@example.org")
            #expect(downloaded.status == 0, "\(downloaded.errors)")
            let global = "server/global-2.safetensors"
            #expect(
                try cohort.bytes("simulated/" + global) == cohort.bytes(kits + "/server/state/runs/1/" + global))
            let log = try cohort("logs", "1", "--kit", kits + "/anna@example.org")
            #expect(log.output.contains("round 2/2"), "\(log.output)")
            let history = try cohort("status", "1", "--kit", kits + "/anna@example.org")
            #expect(
                history.status == 0 && history.output.contains("3 of 3") && history.output.contains("hospital_c"),
                "\(history.output)\(history.errors)")
        }
        #expect(cohort.exists("home/report.html"))
        let model = "server/nnUNet_results/Dataset301_H301/nnUNetTrainer__nnUNetPlans__3d_fullres/fold_0"
        #expect(cohort.exists("home/" + model + "/checkpoint_final.pth"))
        // What left is listed, and names no case.
        let egress = String(
            decoding: try cohort.bytes("workspace/study/hospital_a/state/egress.jsonl"), as: UTF8.self)
        #expect(egress.split(separator: "\n").count >= 6 && !egress.contains("Phantom_") && !egress.contains("/"))
        for kind in ["enrol", "register-node", "activate-node", "train", "evaluate"] {
            #expect(egress.contains("\"kind\":\"\(kind)\""), "\(kind) is not in \(egress)")
        }
        // The site's own report is at the site, and of this site.
        let page = "workspace/study/hospital_b/state/runs/1/results/report.html"
        for _ in 0..<100 where !cohort.exists(page) { try await Task.sleep(for: .milliseconds(100)) }
        let report = String(decoding: try cohort.bytes(page), as: UTF8.self)
        #expect(report.contains("hospital_b") && !report.contains("hospital_a"))
        let metrics = try cohort.bytes("workspace/study/hospital_b/state/runs/1/results/metrics.jsonl")
        #expect(metrics.split(separator: UInt8(ascii: "\n")).count == 2)
    }

    @Test func theLedgerAndThePolicyAreTheSites() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try hospitals(cohort)
        let run =
            Self.run.replacing("validation: {overlays: 0}", with: "validation: {overlays: 0, every: 0}") + """

                strategy: {weights: uniform, minimum_sites: 2}
                privacy: {differential_privacy: {unit: record, noise_multiplier: 2, delta: 1e-3, expected_batch: 2}}
                """
        try Data(run.utf8).write(to: cohort.folder.appending(path: "run.yaml"))
        let policies = [
            "hospital_a": """
            fewest_cases: 4
            blocked_data_fields: [Description]
            privacy: {required: record, cap: {epsilon: 1000, delta: 1e-3}, plain_releases: [fingerprint]}
            """, "hospital_c": "privacy: {required: site, plain_releases: [fingerprint]}\n",
        ]
        try await withFederation(cohort, policies: policies) { kits, _ in
            let submitted = try cohort("submit", "run.yaml", "--kit", kits + "/anna@example.org")
            #expect(submitted.status == 0, "\(submitted.errors)")
            try await wait(for: "finished", cohort, kits)
            let log = try cohort("logs", "1", "--kit", kits + "/anna@example.org")
            #expect(
                log.output.contains("hospital_c is left out") && log.output.contains("with the unit site"),
                "\(log.output)")
            for (site, dataset) in [("hospital_a", "Dataset301_H301"), ("hospital_b", "Dataset302_H302")] {
                let ledger = try cohort("privacy", "ledger", "--kit", kits + "/" + site, "--delta", "1e-3")
                #expect(ledger.status == 0 && ledger.output.contains(dataset), "\(ledger.output)\(ledger.errors)")
                #expect(ledger.output.contains("1 hospitals") && ledger.output.contains("1 hospitals: fingerprint"))
                #expect(!ledger.output.contains("counts") && !ledger.output.contains("metrics"))
            }
            #expect(try cohort("privacy", "ledger", "--kit", kits + "/hospital_c").status != 0)
        }
        // What the run cost here is said here alone.
        func text(_ file: String) throws -> String { String(decoding: try cohort.bytes(file), as: UTF8.self) }
        #expect(try text("hospital_a.out").contains("privacy of each record: ε"))
        #expect(try !text("server.out").contains("privacy of each record"))
        // A dataset.json of a phantom has a description, which the policy blocks.
        let json = "cohort-data/nnUNet_preprocessed/Dataset30%_H30%/dataset.json"
        #expect(try text(json.replacing("%", with: "2")).contains("\"description\""))
        #expect(try !text(json.replacing("%", with: "1")).contains("\"description\""))
    }

    @Test func aSiteRenewsItsCertificateInItsLastThird() async throws {
        let bench = try await DoctorBench(made: Date(timeIntervalSinceNow: -300 * 86400))
        defer { bench.remove() }
        let cohort = bench.cohort
        func wait(for words: String, in file: String) async throws -> Bool {
            for _ in 0..<200 {
                if let text = try? cohort.bytes(file), String(decoding: text, as: UTF8.self).contains(words) {
                    return true
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            return false
        }
        let old = try await Kit(contentsOf: bench.kit("hospital_a")).participant()
        #expect(Renewal.isDue(old))
        let server = try cohort.start(["server", bench.kit("server").path], log: "server")
        defer { server.terminate() }
        let site = try cohort.start(["site", bench.kit("hospital_a").path], log: "site")
        defer { site.terminate() }
        #expect(try await wait(for: "the certificate is renewed", in: "site.out"))
        let new = try await Kit(contentsOf: bench.kit("hospital_a")).participant()
        #expect(new.serial != old.serial && !Renewal.isDue(new))
        #expect(try await wait(for: "hospital_a: online", in: "server.out"))
        let egress = try Data(contentsOf: bench.kit("hospital_a").appending(path: "state/egress.jsonl"))
        #expect(String(decoding: egress, as: UTF8.self).contains("\"kind\":\"renew\""))
    }

    @Test func whatTheSiteGivesAndAllowsStandsInItsKit() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let local = bench.kit("hospital_a").appending(path: "local")
        let configuration = """
            {"format_version": 2, "client": {"name": "hospital_a"},
             "privacy": {"policies": {"min_dataset_size": 100, "allowed_tasks": ["train"]}}}
            """
        try Data(configuration.utf8).write(to: local.appending(path: "local_config.json"))
        let narrowed = try await bench.examine("hospital_a")
        narrowed.expect("policy", "pass", "prepare, train; any dataset")
        narrowed.expect("policy", "pass", "100 cases")
        try Data("hours: [\"19:00-07:00\"]\n".utf8).write(to: local.appending(path: "site-policy.yaml"))
        let both = try await bench.examine("hospital_a")
        both.expect("policy", "pass", "19:00-07:00")
        both.expect("policy", "pass", "prepare, train; any dataset")
        try Data("{}".utf8).write(to: local.appending(path: "local_config.json"))
        let site = try await bench.run("site", bench.kit("hospital_a").path)
        #expect(site.status == 1 && site.errors.contains("local_config.json"), "\(site.errors)")
    }

    @Test func whoMayNotIsRefused() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try hospitals(cohort)
        try Data(Self.run.utf8).write(to: cohort.folder.appending(path: "run.yaml"))
        try await withFederation(cohort) { kits, server in
            // A site is no administrator, a used invitation is none, and a revoked administrator is out at once.
            let site = try cohort("status", "--kit", kits + "/hospital_a")
            #expect(site.status == 1 && site.errors.contains("403"), "\(site.errors)")
            let refused = try cohort("audit", "--peer", "hospital_a", "--kit", kits + "/anna@example.org")
            #expect(refused.output.contains("hospital_a is a site"), "\(refused.output)\(refused.errors)")
            let nobody = try cohort("audit", "--peer", "hospital_b", "--kit", kits + "/anna@example.org")
            #expect(nobody.output == "No call was refused.\n", "\(nobody.output)\(nobody.errors)")
            let file = cohort.exists("hospital_a.invitation") ? "" : kits + "/"
            let again = try cohort("join", file + "hospital_a.invitation", "--folder", "thief")
            #expect(again.status == 1 && again.errors.contains("used already"), "\(again.errors)")
            let split = try cohort("submit", "run.yaml", "--baselines", "alone", "--kit", kits + "/anna@example.org")
            #expect(split.status == 1 && split.errors.contains("baselines"), "\(split.errors)")
            #expect(try cohort("status", "--kit", kits + "/anna@example.org").status == 0)
            #expect(
                try cohort("provision", "revoke", "anna@example.org", "--server", kits + "/server").status == 0)
            let revoked = try cohort("status", "--kit", kits + "/anna@example.org")
            #expect(revoked.status == 1 && revoked.errors.contains("revoked"), "\(revoked.errors)")
        }
        let audit = String(decoding: try cohort.bytes("workspace/study/server/state/audit.jsonl"), as: UTF8.self)
        #expect(audit.contains("hospital_a") && audit.contains("revoked"))
    }
}
