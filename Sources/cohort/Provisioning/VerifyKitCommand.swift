import ArgumentParser
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct VerifyKitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that a kit is as it was made, and that its certificate holds.",
        discussion: """
            EXAMPLE
              cohort provision verify hospital_a
              cohort provision verify hospital_a --fingerprint 5b1c…      which somebody told who knows it
            """)

    @Argument(help: ArgumentHelp("The kit.", valueName: "folder")) var folder = "."
    @Option(help: ArgumentHelp("What the authority's fingerprint must be.", valueName: "sha256")) var fingerprint:
        String?

    func run() async throws {
        let kit = try Kit(contentsOf: URL(filePath: folder))
        let found = try await kit.verify(fingerprint: fingerprint)
        print(
            "\(found.participant.name): the certificate holds until \(found.participant.notAfter.formatted(.iso8601))")
        print(
            found.files == 0
                ? "The kit was made here by cohort join; there is no list of files to compare."
                : "All \(found.files) files are as they were made, and their list is signed by the authority.")
        print("Authority's fingerprint (SHA-256): \(found.authorityFingerprint)")
        if fingerprint == nil {
            print("Compare it with the coordinator's: a kit that is forged as a whole would pass too.")
        }
    }
}
