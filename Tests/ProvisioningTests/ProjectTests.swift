import Foundation
import SharedData
import Testing

import Provisioning

@Suite("Project file") struct ProjectTests {
    @Test func cohortsOwnForm() throws {
        let project = try Project(
            yaml: Fixture.yaml + """

                certificate_days: {site: 30}
                authorization: {lead: {submit_job: o:site}}
                roles_by_org: {university: [project_admin, lead]}
                """)
        #expect(project.name == "study" && project.authorityName == "study authority")
        #expect(project.server.hosts == ["fl.example.org", "10.0.0.5"] && project.server.port == 8003)
        #expect(project.sites.map(\.name) == ["hospital_a", "hospital_b"])
        #expect(project.sites.map(\.organisation) == ["hospital_a", "Hospital B"])
        #expect(project.administrators.map(\.role) == [.projectAdministrator])
        #expect(project.lives.site == 30 && project.lives.server == 365)
        #expect(project.authorization.rolesOfOrganisations == ["university": [.projectAdministrator, .lead]])
        #expect(project.notices.isEmpty)
    }

    @Test func aMisspeltKeyIsNamedWithTheNearest() async {
        await expectFailure("line 3", "server.hsots is unknown", "did you mean hosts?", "server.hosts is missing") {
            _ = try Project(yaml: "project: x\nserver:\n  hsots: [a]\n  org: u\n")
        }
        await expectFailure("line 3", "sties is unknown", "did you mean sites?") {
            _ = try Project(yaml: "project: x\nserver: {org: u, hosts: [a]}\nsties: [b]\n")
        }
        await expectFailure("there is no role", "did you mean org_admin?") {
            _ = try Project(
                yaml: "project: x\nserver: {org: u, hosts: [a]}\nadministrators: [{name: a, org: u, role: org_amdin}]\n"
            )
        }
        await expectFailure("submit_jobs is no right", "did you mean submit_job?") {
            _ = try Project(
                yaml: "project: x\nserver: {org: u, hosts: [a]}\nauthorization: {lead: {submit_jobs: any}}\n")
        }
    }

    @Test(arguments: [
        "../x", "a/b", "..", ".", ".hidden", "-x", "", "a b", "a\u{1B}[2J", "a\u{202E}b", "a\0b", "a\nb", "Köln",
        String(repeating: "a", count: 65),
    ])
    func aNameThatIsNoFolderIsRefused(name: String) async throws {
        var project = try Fixture.project()
        project.sites[0].name = name
        #expect(!project.faults.isEmpty)
        #expect(project.faults.joined().unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 0x202E })
        #expect(throws: ProvisioningError.self) { try ParticipantName.check(name) }
        let quoted = "\"" + name.unicodeScalars.map { "\\U" + String(format: "%08X", $0.value) }.joined() + "\""
        #expect(throws: ProvisioningError.self) {
            try Project(yaml: "project: x\nserver: {org: u, hosts: [a]}\nsites: [\(quoted)]\n")
        }
        #expect(throws: ProvisioningError.self) {
            try Project(yaml: "project: \(quoted)\nserver: {org: u, hosts: [a]}\n")
        }
    }

    @Test(arguments: ["hospital_a", "admin@hcls-ai-factory", "a", "x.y-z+1", String(repeating: "a", count: 64)])
    func plainNamesAreAccepted(name: String) throws { try ParticipantName.check(name) }

    /// A site is a node of the fleet, whose names are plainer than those of people.
    @Test(arguments: ["site@a", "x.y-z+1"]) func aSitesNameIsPlainer(name: String) async throws {
        await expectFailure("of a site has @ or +", "letters, digits") {
            _ = try Project(yaml: "project: x\nserver: {org: u, hosts: [a]}\nsites: [\(name)]\n")
        }
        #expect(throws: ProvisioningError.self) {
            try CertificateSubject(name: name, organisation: "x", kind: .site).check()
        }
        try CertificateSubject(name: name, organisation: "x", kind: .administrator, role: .lead).check()
    }

    @Test func twoOfOneNameAreRefused() async {
        for pair in ["hospital_a, hospital_a", "hospital_a, Hospital_A", "server"] {
            await expectFailure("two participants are called") {
                _ = try Project(yaml: "project: x\nserver: {org: u, hosts: [a]}\nsites: [\(pair)]\n")
            }
        }
    }

    @Test(arguments: [
        ("server: {org: u, hosts: [a]}", "project is missing"), ("project: x", "server is missing"),
        ("project: x\nserver: {org: u, hosts: [a/b]}", "neither a host name nor an address"),
        ("project: x\nserver: {org: u, hosts: [1.2.3.400]}", "neither a host name nor an address"),
        ("project: x\nserver: {org: u, hosts: [a], port: 70000}", "write 1 to 65535"),
        ("project: x\nserver: {org: u, hosts: [a], port: many}", "no whole number"),
        ("project: x\nserver: {org: u, hosts: [a]}\ncertificate_days: {site: 0}", "cannot hold for 0 days"),
        ("project: x\nproject: y\nserver: {org: u, hosts: [a]}", "stands here twice"),
        ("project: [x\n", "no YAML"), ("", "empty"), ("just text", "no mapping"),
        (
            "project: x\nserver: {org: u, hosts: [a]}\nadministrators: [{name: b, org: u, role: lead}]\n"
                + "roles_by_org: {u: [member]}", "does not allow to u"
        ),
    ])
    func whatIsWrongIsSaid(yaml: String, words: String) async {
        await expectFailure(words) { _ = try Project(yaml: yaml) }
    }

    /// Each of the grammar's features and faults of FLARE's users, small.
    static let flare = """
        api_version: 4
        name: little_study
        participants:
          - {name: fl.example.org, type: server, org: uni-1, protocol: grpc, port: 8002, admin_port: 8003,
             host_names: [10.1.1.1], default_host: fl.example.org, connection_security: tls}
          - {name: site-1, type: client, org: uni-1, listening_host: 0.0.0.0, colour: red,
             capacity: {num_of_gpus: 2, mem_per_gpu_in_GiB: 16}}
          - {name: site-2, type: client, org: clinic, connect_to: {host: relay.example.org, port: 9000}}
          - {name: boss@uni, type: admin, org: uni-1, role: project_admin}
          - {name: overseer, type: overseer, org: uni-1, protocol: https}
        builders:
          - path: nvflare.lighter.impl.cert.CertBuilder
            args: {issuer_cn: Little CA, root_cert_life: 1000, server_cert_life: 100, client_cert_life: 50}
          - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
            args: {template_file: [a.yml, b.yml]}
          - path: nvflare.lighter.impl.auth_policy.AuthPolicyBuilder
            args:
              orgs: {uni-1: [project_admin], clinic: [member, lead]}
              rules: {project_admin: {allow_byoc: false, allow_custom_datalist: true}, lead: {allow_byoc: true}}
          - path: some.module.Strange
        studies: {a: {}}
        overseer: {protocol: grpc, port: 8004}
        """

    @Test func flaresFormIsReadWithItsFaults() throws {
        let project = try Project(yaml: Self.flare)
        #expect(project.name == "little_study" && project.authorityName == "Little CA")
        #expect(project.server.name == "fl.example.org" && project.server.port == 8002)
        #expect(project.server.administrationPort == 8003)
        #expect(project.server.hosts == ["fl.example.org", "10.1.1.1"])
        #expect(project.sites.map(\.name) == ["site-1", "site-2"])
        #expect(project.sites[0].resources.gpuCount == 2)
        #expect(project.notices.contains { $0.text.contains("mem_per_gpu_in_GiB is ignored") })
        #expect(project.sites[1].dials == "relay.example.org")
        #expect(project.lives.root == 1000 && project.lives.server == 100 && project.lives.intermediate == 1000)
        #expect(project.lives.site == 50 && project.lives.administrator == 50)
        #expect(project.authorization.rolesOfOrganisations["clinic"] == [.member, .lead])
        #expect(project.authorization.permissions[.projectAdministrator]?.rights[.byoc] == AuthorizationRule.none)
        #expect(project.authorization.permissions[.lead]?.rights[.byoc]?.expressions == ["o:site"])
        let text = project.notices.map(\.description).joined(separator: "\n")
        for words in [
            "port 8002 is no key", "protocol grpc", "uni-1 is accepted", "boss@uni is accepted",
            "CertBuilder takes no issuer_cn",
            "CertBuilder stands before", "AuthPolicyBuilder is gone", "SignatureBuilder is missing",
            "template_file is ignored",
            "overseer is ignored", "type overseer is ignored", "participant.colour is unknown",
            "listening_host of site-1",
            "connection_security tls", "studies are ignored", "“Strange” is unknown", "role lead", "role member",
            "connect_to.port",
        ] {
            #expect(text.contains(words), "\(words) is not in:\n\(text)")
        }
        let lines = project.notices.compactMap(\.line)
        #expect(lines == lines.sorted() && lines.count == project.notices.count)
    }

    @Test(arguments: [
        ("type: server", "type: client", "0 participants are of type server"),
        ("type: client", "type: server", "3 participants are of type server"),
        ("type: admin", "type: amdin", "did you mean admin?"),
        ("role: project_admin}", "role: boss}", "there is no role"),
        ("name: site-1", "name: ../site", "the name"),
        ("api_version: 4", "api_version: 7", "api_version 7 is not known"),
        ("org: clinic,", "", "org is missing"),
    ])
    func flaresFormHasLimits(old: String, new: String, words: String) async {
        await expectFailure(words) { _ = try Project(yaml: Self.flare.replacing(old, with: new)) }
    }

    @Test(
        .enabled(if: SharedData.url("data/flare_agent/provision/project.yml") != nil, "needs the agent's project.yml"))
    func theAgentsProjectAsItStands() throws {
        let project = try Project(contentsOf: try #require(SharedData.url("data/flare_agent/provision/project.yml")))
        #expect(project.name == "imaging_intelligence_fl" && project.authorityName == "HCLS AI Factory FL CA")
        #expect(project.server.port == 8003 && project.server.administrationPort == 8103)
        #expect(project.sites.map(\.name) == ["hospital_a", "hospital_b"])
        #expect(
            project.administrators.map(\.name) == ["admin@hcls-ai-factory", "lead@hospital-a", "lead@hospital-b"])
        #expect(project.lives.root == 3650 && project.lives.server == 365 && project.lives.site == 365)
        let text = project.notices.map(\.text).joined(separator: "\n")
        // The errata 1 to 8, 20 and 23, and what else is not followed.
        for words in [
            "port 8003 is no key", "protocol grpc is no key", "hcls-ai-factory, hospital-a, hospital-b are accepted",
            "admin@hcls-ai-factory, lead@hospital-a, lead@hospital-b are accepted", "CertBuilder takes no issuer_cn",
            "CertBuilder stands before", "AuthPolicyBuilder is gone", "SignatureBuilder is missing",
            "template_file is ignored",
            "overseer is ignored", "overseer_agent is ignored", "known as server only", "role lead",
            "HEBuilder puts no key", "{poly_modulus_degree: 8192, scale_bits: 40, coeff_mod_bit_sizes: [60, 40, 40]}",
            "listening_host of hospital_a, hospital_b",
        ] {
            #expect(text.contains(words), "\(words) is not in:\n\(text)")
        }
        #expect(project.notices.count == 15)
    }

    @Test func aComposeFileNamesTheServer() throws {
        let compose = try ComposeFile(
            yaml: """
                services:
                  fl:
                    hostname: fl-host
                    container_name: fl_container
                    ports: ["127.0.0.1:9000:8003/tcp", {target: 8103}]
                    networks: {inner: {aliases: [aggregator]}}
                  site: {hostname: other}
                  board: {ports: [6006]}
                """)
        #expect(compose.hosts(listeningOn: 8003) == ["fl", "fl-host", "fl_container", "aggregator"])
        #expect(compose.hosts(listeningOn: 6006) == ["board"])
        #expect(throws: ProvisioningError.self) { try ComposeFile(yaml: "a: b") }
    }
}
