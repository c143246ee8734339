import Crypto
import Foundation
import Testing

import Provisioning

/// A federation with a server, one hospital and one administrator.
enum Fixture {
    static let yaml = """
        project: study
        description: Federated hippocampus
        server:
          org: university
          hosts: [fl.example.org, 10.0.0.5]
        sites:
          - hospital_a
          - {name: hospital_b, org: Hospital B}
        administrators:
          - {name: ada@example.org, org: university, role: project_admin}
        """

    static func project(_ yaml: String = yaml) throws -> Project { try Project(yaml: yaml) }

    /// The kit of a new server.
    static func server(in folder: TemporaryFolder) async throws -> Kit {
        let outcome = try await Workspace(project(), in: folder.url).makeServerKit()
        return try Kit(contentsOf: outcome.folder)
    }

    static func authority(days: Int = 100, now: Date = Date()) throws -> CertificateAuthority {
        try RootAuthority(named: "Test authority", organisation: "university", days: 3650, now: now)
            .makeIntermediate(days: days, now: now)
    }

    static let site = CertificateSubject(name: "hospital_a", organisation: "Hospital A", kind: .site)
}

/// Whether an operation fails with an error that says something.
func expectFailure(
    _ words: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch {
        let text = String(describing: error)
        for word in words {
            #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation)
        }
    }
}

/// Runs a program of the machine; nil where there is none.
func run(_ program: String, _ arguments: [String], environment: [String: String]? = nil) throws -> (Int32, String)? {
    guard FileManager.default.isExecutableFile(atPath: program) else { return nil }
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    if let environment { process.environment = environment }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
}

let openssl = "/usr/bin/openssl"
let hasOpenSSL = FileManager.default.isExecutableFile(atPath: openssl)
