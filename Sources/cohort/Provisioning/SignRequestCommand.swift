import ArgumentParser
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct SignRequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Answer a request of cohort join --offline.",
        discussion: """
            The same request can be answered again, and gets the same certificate. The reply holds no secret.

            EXAMPLE
              cohort provision sign hospital_c.request
            """)

    @Argument(help: ArgumentHelp("The request file.", valueName: "request")) var file: String
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write (default: beside the request, .reply).", valueName: "file"))
    var output: String?
    @OptionGroup var server: ServerKitOption
    @OptionGroup var passphrase: PassphraseOptions

    func run() async throws {
        let kit = try server.kit()
        let request = try EnrolmentRequest(contentsOf: URL(filePath: file))
        let enrolment = try kit.enrolment(revocations: kit.revocations()) {
            try passphrase.ofKey("the intermediate key")
        }
        let reply = try await enrolment.answer(request)
        let participant = try Participant(pem: reply.certificates)
        let target =
            output.map { URL(filePath: $0) }
            ?? URL(filePath: file).deletingPathExtension()
            .appendingPathExtension("reply")
        try reply.write(to: target)
        print("Signed: \(participant.name), until \(participant.notAfter.formatted(.iso8601))")
        print("Key (SHA-256): \(try request.keyFingerprint)")
        print("The site shows the same; where it matters, compare by telephone, and revoke if it differs.")
        print("Reply: \(target.path). There: cohort join --complete \(target.lastPathComponent)")
    }
}
