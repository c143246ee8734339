import Foundation
import SharedData
import Testing

import Provisioning

@Suite("Kits") struct KitTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func make(_ yaml: String = Fixture.yaml, renewed: Set<String> = []) async throws -> Workspace.Outcome {
        var options = Workspace.Options()
        options.renewed = renewed
        return try await Workspace(Fixture.project(yaml), in: folder.url).makeKits(options)
    }

    @Test func addingASiteTouchesNoOtherKit() async throws {
        let first = try await make()
        #expect(first.folder.lastPathComponent == "prod_00" && first.newRootKey != nil)
        // The root key is needed no more.
        try FileManager.default.removeItem(at: folder("study/authority/offline"))
        let second = try await make(Fixture.yaml.replacing("  - hospital_a", with: "  - hospital_a\n  - hospital_c"))
        #expect(second.folder.lastPathComponent == "prod_01" && second.issued == ["hospital_c"])
        var after = try folder.contents(of: "study/prod_01")
        let names = Set(after.keys.filter { $0.hasPrefix("hospital_c/") })
        #expect(names.count == 12)
        for name in names { after[name] = nil }
        #expect(try after == folder.contents(of: "study/prod_00"))
        for (path, _) in after {
            #expect(try mode(folder("study/prod_00/\(path)")) == mode(folder("study/prod_01/\(path)")))
        }
        // What changes a participant gives a new certificate to that one.
        let third = try await make(Fixture.yaml.replacing("Hospital B", with: "Clinic B"), renewed: ["ada@example.org"])
        #expect(third.issued == ["hospital_b", "ada@example.org"] && third.kept == ["server", "hospital_a"])
        await expectFailure("no participant") { _ = try await make(renewed: ["nobody"]) }
    }

    @Test func everyKitIsWholeAndVerified() async throws {
        let outcome = try await make()
        for (name, kind) in [
            ("server", Participant.Kind.server), ("hospital_a", .site), ("ada@example.org", .administrator),
        ] {
            let kit = try Kit(contentsOf: outcome.folder.appending(path: name))
            let found = try await kit.verify(fingerprint: outcome.authorityFingerprint.uppercased())
            #expect(found.participant.name == name && found.participant.kind == kind && found.files >= 4)
            #expect(try mode(kit.keyFile) == 0o600)
            #expect(FileManager.default.fileExists(atPath: kit.folder.appending(path: "transfer").path))
            let readme = try String(contentsOf: kit.folder.appending(path: "readme.txt"), encoding: .utf8)
            #expect(readme.contains(name) && readme.contains(outcome.authorityFingerprint))
            #expect(try Kit(contentsOf: kit.startup).settings == kit.settings)
        }
        let server = try Kit(contentsOf: outcome.folder.appending(path: "server"))
        #expect(try mode(server.startup.appending(path: "intermediate.key")) == 0o600)
        #expect(try server.certificateAuthority().authority == server.authority)
        #expect(try server.authorization() == .standard)
        #expect(
            try server.certificateChain().hosts
                == Set(["fl.example.org", "10.0.0.5", "localhost", "127.0.0.1", "::1"].compactMap { HostName($0) }))
        // The root key is in no kit.
        let root = try String(contentsOf: folder("study/authority/offline/root.key"), encoding: .utf8)
        for (_, data) in try folder.contents(of: "study/prod_00") {
            #expect(!String(decoding: data, as: UTF8.self).contains(root))
        }
    }

    @Test func whatWasChangedIsFound() async throws {
        let place = try await make().folder.appending(path: "hospital_a")
        func file(_ path: String) -> URL { place.appending(path: path) }
        func verify(_ fingerprint: String? = nil) async throws {
            _ = try await Kit(contentsOf: place).verify(fingerprint: fingerprint)
        }
        func expect(_ words: String, changing path: String, to data: Data?) async throws {
            let before = try? Data(contentsOf: file(path))
            if let data { try data.write(to: file(path)) } else { try FileManager.default.removeItem(at: file(path)) }
            await expectFailure(words) { try await verify() }
            if let before {
                try before.write(to: file(path))
            } else {
                try FileManager.default.removeItem(at: file(path))
            }
            if path.hasSuffix(".key") {
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file(path).path)
            }
        }
        try await verify()
        let script = try String(contentsOf: file("startup/start.sh"), encoding: .utf8)
        try await expect(
            "startup/start.sh was changed", changing: "startup/start.sh", to: Data((script + "rm -rf /").utf8))
        try await expect("readme.txt is missing", changing: "readme.txt", to: nil)
        try await expect("startup/evil.sh is no file of this kit", changing: "startup/evil.sh", to: Data())
        let manifest = try String(contentsOf: file("startup/manifest.json"), encoding: .utf8)
        try await expect(
            "does not fit", changing: "startup/manifest.json", to: Data(manifest.replacing("study", with: "other").utf8)
        )
        try await expect("manifest.json is missing", changing: "startup/manifest.json", to: nil)
        try await expect("does not fit", changing: "startup/manifest.sig", to: Data([1]))
        // A list that somebody else signed.
        let (text, _) = try KitManifest.sign(
            project: "study", name: "hospital_a", files: [:], with: Fixture.authority())
        try await expect("whom the authority does not know", changing: "startup/manifest.json", to: Data(text.utf8))
        let stranger = try Fixture.authority().issue(Fixture.site, to: PrivateKey().publicKey, days: 5)
        try await expect("not trusted", changing: "startup/site.pem", to: Data(stranger.pem.utf8))
        try await expect(
            "not the authority", changing: "startup/authority.pem", to: Data(try Fixture.authority().authority.pem.utf8)
        )
        try await expect("is not the key", changing: "startup/site.key", to: Data(try PrivateKey().pem().utf8))
        await expectFailure("not the one given") { try await verify(String(repeating: "0", count: 64)) }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file("startup/site.key").path)
        await expectFailure("chmod 600") { try await verify() }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file("startup/site.key").path)
        // What belongs to the site may change: its own files, and an encrypted key.
        try Data("work: [train]".utf8).write(to: file("local/site-policy.yaml"))
        let kit = try Kit(contentsOf: place)
        try kit.privateKey().write(to: kit.keyFile, passphrase: "correct horse")
        try await verify()
    }

    @Test func ownFilesGoBeforeDefaults() async throws {
        let kit = try Kit(contentsOf: await make().folder.appending(path: "hospital_a"))
        #expect(try kit.authorization() == .standard && kit.resources() == SiteResources())
        try Data(#"{"permissions": {"lead": "any"}}"#.utf8).write(to: kit.local.appending(path: "authorization.json"))
        #expect(try kit.authorization().allows(.byoc, AuthorizationTests.person(.lead)))
        try Data(#"{"permissions": {"lead": "anybody"}}"#.utf8).write(
            to: kit.local.appending(path: "authorization.json"))
        #expect(throws: ProvisioningError.self) { try kit.authorization() }
        try Data(#"{"gpu_ids": [1]}"#.utf8).write(to: kit.local.appending(path: "resources.json"))
        #expect(try kit.resources().gpuIDs == [1])
        #expect(throws: ProvisioningError.self) { try kit.certificateAuthority() }
        #expect(throws: ProvisioningError.self) { try kit.invite("x", organisation: "x") }
        #expect(throws: ProvisioningError.self) { try kit.revoke("x") }
    }

    @Test(arguments: [
        (#"{"gpu_idz": [1]}"#, "did you mean gpu_ids?"), (#"{"memory_limit_gb": 1e300}"#, "at most 1000000"),
        (#"{"memory_limit_gb": -1}"#, "is not above 0"), (#"{"num_workers": 99999999999}"#, "0 to 1024"),
        (#"{"num_of_gpus": -1}"#, "0 to 1024"), (#"{"mem_per_gpu_in_GiB": 4}"#, "mem_per_gpu_in_GiB"),
        (#"{"gpu_ids": [-1]}"#, "no number of a GPU"), ("[]", "is no JSON object"), ("", "is no JSON object"),
    ])
    func resourcesThatNoneCanHaveAreRefused(json: String, words: String) async throws {
        let kit = try Kit(contentsOf: await make().folder.appending(path: "hospital_a"))
        try Data(json.utf8).write(to: kit.local.appending(path: "resources.json"))
        await expectFailure(words) { _ = try kit.resources() }
    }

    /// A list of revocations that was lost lets nobody in, and is not made anew unasked.
    @Test func theServersListOfRevocationsMustBeThere() async throws {
        let server = try await Fixture.server(in: folder)
        let list = server.local.appending(path: "revoked.jsonl")
        #expect(try Data(contentsOf: list).isEmpty && mode(list) == 0o600)
        #expect(try !server.revocations().isRevoked(serial: "01"))
        try FileManager.default.removeItem(at: list)
        _ = try await Workspace(Fixture.project(), in: folder.url).makeServerKit()
        await expectFailure("revoked.jsonl", "nobody is let in") {
            _ = try server.revocations().isRevoked(serial: "01")
        }
        await expectFailure("revoked.jsonl") { _ = try server.revoke("hospital_a") }
        await expectFailure("revoked.jsonl") { _ = try server.invite("hospital_a", organisation: "a") }
        #expect(!FileManager.default.fileExists(atPath: list.path))
    }

    @Test func theNextKitsShutOutWhomTheLastOnesDid() async throws {
        let first = try Kit(contentsOf: await make().folder.appending(path: "server"))
        try first.revoke("hospital_a")
        let outcome = try await make()
        let second = try Kit(contentsOf: outcome.folder.appending(path: "server"))
        let site = try await Kit(contentsOf: outcome.folder.appending(path: "hospital_a")).participant()
        #expect(try second.revocations().isRevoked(site))
    }

    @Test func theServersKitIsKeptWhenMadeAgain() async throws {
        let server = try await Fixture.server(in: folder)
        _ = try server.invite("hospital_c", organisation: "c")
        let before = try folder.contents(of: "study/server")
        let again = try await Workspace(Fixture.project(), in: folder.url).makeServerKit()
        #expect(again.kept == ["server"] && again.newRootKey == nil)
        #expect(try folder.contents(of: "study/server") == before)
        var options = Workspace.Options()
        options.newIntermediate = true
        options.renewed = ["server"]
        let renewed = try await Workspace(Fixture.project(), in: folder.url).makeServerKit(options)
        #expect(renewed.issued == ["server"])
        let kit = try Kit(contentsOf: renewed.folder)
        _ = try await kit.verify()
        #expect(kit.authority == server.authority)
        // Invitations outlive both.
        #expect(try EnrolmentRegister(in: kit.local).file.read().count == 1)
    }

    @Test func theRootKeyMayBeEncryptedAndElsewhere() async throws {
        let workspace = try Workspace(Fixture.project(), in: folder.url)
        var options = Workspace.Options()
        options.passphrase = { "correct horse" }
        _ = try await workspace.makeServerKit(options)
        let key = folder("study/authority/offline/root.key")
        #expect(try String(contentsOf: key, encoding: .utf8).contains("ENCRYPTED") && mode(key) == 0o600)
        var wrong = options
        wrong.newIntermediate = true
        wrong.passphrase = { "wrong horse" }
        let refused = wrong
        await expectFailure("passphrase is wrong") { _ = try await workspace.makeServerKit(refused) }
        let moved = try Data(contentsOf: key)
        try FileManager.default.removeItem(at: key)
        await expectFailure("only with the root key") { _ = try await workspace.makeServerKit(refused) }
        try moved.write(to: key)
        try FileManager.default.removeItem(at: folder("study/authority/authority.pem"))
        await expectFailure("authority.pem is not") { _ = try await workspace.makeServerKit() }
    }

    /// `start.sh` becomes the program, with the kit as its argument; `stop.sh` stops it.
    @Test func startStaysInTheForeground() async throws {
        let kit = try Kit(contentsOf: await make().folder.appending(path: "hospital_a"))
        let program = folder("cohort")
        try Data("#!/bin/sh\necho \"$$ $*\" > \"\(folder("seen").path)\"\nwhile :; do sleep 0.1; done\n".utf8).write(
            to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
        let process = Process()
        process.executableURL = kit.startup.appending(path: "start.sh")
        process.arguments = ["--once"]
        process.environment = ["PATH": "/usr/bin:/bin", "COHORT": program.path]
        try process.run()
        for _ in 0..<100 where !FileManager.default.fileExists(atPath: folder("seen").path) {
            try await Task.sleep(for: .milliseconds(50))
        }
        try await Task.sleep(for: .milliseconds(100))
        let seen = try String(contentsOf: folder("seen"), encoding: .utf8)
        #expect(seen == "\(process.processIdentifier) site \(kit.folder.path) --once\n")
        #expect(process.isRunning)
        let stopped = try run(kit.startup.appending(path: "stop.sh").path, [], environment: ["PATH": "/usr/bin:/bin"])
        process.waitUntilExit()
        #expect(stopped?.0 == 0 && stopped?.1 == "Stopped.\n", "\(stopped?.1 ?? "")")
        let again = try run(kit.startup.appending(path: "stop.sh").path, [], environment: ["PATH": "/usr/bin:/bin"])
        #expect(again?.0 == 0 && again?.1.contains("does not run") ?? false)
        let without = try run(
            kit.startup.appending(path: "start.sh").path, [],
            environment: ["PATH": "/usr/bin:/bin", "COHORT": "no-such"])
        #expect(without?.0 == 127 && without?.1.contains("COHORT=/path/to/cohort") ?? false)
    }

    @Test(
        .enabled(if: SharedData.url("data/flare_agent/provision/project.yml") != nil, "needs the agent's project.yml"))
    func theAgentsProjectGivesItsKits() async throws {
        let base = try #require(SharedData.url("data/flare_agent"))
        var project = try Project(contentsOf: base.appending(path: "provision/project.yml"))
        try project.addHosts(
            ComposeFile(contentsOf: base.appending(path: "docker/docker-compose.flare.yml")).hosts(listeningOn: 8003))
        var options = Workspace.Options()
        for site in ["hospital_a", "hospital_b"] {
            let file = base.appending(path: "site_configs/site_\(site)/local_config.json")
            let configuration = try SiteConfiguration(contentsOf: file)
            let isOfProject = project.adopt(configuration)
            #expect(isOfProject)
            options.siteConfigurations[site] = (try Data(contentsOf: file), configuration)
        }
        let outcome = try await Workspace(project, in: folder.url).makeKits(options)
        #expect(
            try Set(FileManager.default.contentsOfDirectory(atPath: outcome.folder.path))
                == [
                    "server", "hospital_a", "hospital_b", "admin@hcls-ai-factory", "lead@hospital-a", "lead@hospital-b",
                ])
        for name in outcome.issued {
            _ = try await Kit(contentsOf: outcome.folder.appending(path: name)).verify(
                fingerprint: outcome.authorityFingerprint)
        }
        let server = try Kit(contentsOf: outcome.folder.appending(path: "server"))
        #expect(try server.certificateChain().hosts.isSuperset(of: [.name("server"), .name("flare-server")]))
        let life = try await server.participant()
        #expect(abs(life.notAfter.timeIntervalSinceNow / 86400 - 365) < 1)
        let site = try Kit(contentsOf: outcome.folder.appending(path: "hospital_a"))
        #expect(site.settings.server == .init(host: "flare-server", port: 8003, administrationPort: 8103))
        #expect(try site.resources().gpuIDs == [0] && site.siteConfiguration()?.policies?.minimumDatasetSize == 100)
        let lead = try await Kit(contentsOf: outcome.folder.appending(path: "lead@hospital-a")).participant()
        #expect(lead.role == .organisationAdministrator && lead.organisation == "hospital-a")
        #expect(try !site.authorization().allows(.byoc, lead) && site.authorization().allows(.listJobs, lead))
    }
}
