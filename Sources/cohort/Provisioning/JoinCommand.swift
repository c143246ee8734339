import ArgumentParser
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join", abstract: "Join a federation by an invitation: makes a key here, and a kit around it.",
        discussion: """
            The key never leaves. What is sent is a request for a certificate, over the network once, or offline as a file. \
            Broken off, it can be begun again.

            EXAMPLE
              cohort join hospital_c.invitation
              cohort join hospital_c.invitation --offline       then send hospital_c/hospital_c.request to the coordinator
              cohort join --complete hospital_c.reply           with what the coordinator signed
              cohort join --renew hospital_c                    a new certificate before the old one ends
            """)

    @Argument(help: ArgumentHelp("The invitation file.", valueName: "invitation")) var invitation: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("The kit's folder (default: the name).", valueName: "folder"))
    var folder: String?
    @Flag(help: "Write the request to a file instead of sending it.") var offline = false
    @Option(help: ArgumentHelp("Finish with a reply of cohort provision sign.", valueName: "reply")) var complete:
        String?
    @Option(help: ArgumentHelp("Renew the certificate of this kit.", valueName: "folder")) var renew: String?
    @Flag(help: "With --renew: for a new key too.") var newKey = false
    @OptionGroup var passphrase: PassphraseOptions

    func validate() throws {
        guard [invitation, complete, renew].compactMap({ $0 }).count == 1 else {
            throw ValidationError("Give an invitation, --complete with a reply, or --renew with a kit.")
        }
        if complete != nil, offline { throw ValidationError("--complete needs no --offline.") }
        if newKey, renew == nil { throw ValidationError("--new-key goes with --renew.") }
        if renew != nil, folder != nil { throw ValidationError("--renew names the folder itself.") }
    }

    func run() async throws {
        if let renew {
            try await renewCertificate(of: try Kit(contentsOf: URL(filePath: renew)))
        } else if let complete {
            try await finish(EnrolmentReply(contentsOf: URL(filePath: complete)))
        } else if let invitation {
            try await join(Invitation(contentsOf: URL(filePath: invitation)))
        }
    }

    private func join(_ invitation: Invitation) async throws {
        let folder = URL(filePath: folder ?? invitation.name)
        let transport: (any EnrolmentTransport)? = offline ? nil : EnrolmentOverHTTPS(folder, invitation.kind)
        let joining = try Joining(invitation, in: folder, passphrase: passphrase.given())
        guard let transport else { return try writeRequest(joining.request, to: joining.requestFile) }
        let reply = try await transport.send(
            joining.request, to: invitation.server, authority: Authority(pem: invitation.authority))
        report(try await joining.complete(reply), in: joining.folder)
    }

    private func renewCertificate(of kit: Kit) async throws {
        let transport: (any EnrolmentTransport)? = offline ? nil : EnrolmentOverHTTPS(kit.folder, kit.settings.kind)
        let renewal = try Renewal(of: kit, newKey: newKey) { try passphrase.ofKey(kit.settings.name) }
        guard let transport else { return try writeRequest(renewal.request, to: renewal.requestFile) }
        let reply = try await transport.send(
            renewal.request, to: kit.settings.server, authority: kit.authority)
        report(renewed: try await renewal.complete(reply))
    }

    private func writeRequest(_ request: EnrolmentRequest, to file: URL) throws {
        try request.write(to: file)
        print("Request: \(file.path). Send it to the coordinator, so that nobody else reads it.")
        print("Key (SHA-256): \(try request.keyFingerprint)")
        print("There: cohort provision sign \(file.lastPathComponent). Then here: cohort join --complete REPLY")
    }

    private func finish(_ reply: EnrolmentReply) async throws {
        let folder = URL(filePath: try self.folder ?? Participant(pem: reply.certificates).name)
        if let kit = try? Kit(contentsOf: folder) {
            let renewal = try Renewal(of: kit) { try passphrase.ofKey(kit.settings.name) }
            report(renewed: try await renewal.complete(reply))
        } else {
            let joining = try Joining(resuming: folder, passphrase: passphrase.given())
            report(try await joining.complete(reply), in: folder)
        }
    }

    private func report(renewed participant: Participant) {
        print("\(participant.name) is renewed: the certificate holds until \(participant.notAfter.formatted(.iso8601))")
    }

    private func report(_ participant: Participant, in folder: URL) {
        print("\(participant.name) has joined: the certificate holds until \(participant.notAfter.formatted(.iso8601))")
        print("Kit: \(folder.path)")
        if participant.kind == .site { print("Next: read readme.txt there, and start with cohort site \(folder.path)") }
    }
}
