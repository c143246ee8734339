import ArgumentParser
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct InviteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Write an invitation for a site or an administrator.",
        discussion: """
            The file holds a token that works once: send it so that nobody else reads it. A new invitation voids an older one of \
            that name that was not used.

            EXAMPLE
              cohort provision invite hospital_c --org hospital-c
              cohort provision invite ada@hospital-c.example --org hospital-c --role lead
            """)

    @Argument(help: "The name of the site or the administrator.") var name: String
    @Option(help: "The organisation (default: the name).") var org: String?
    @Option(
        help: ArgumentHelp(
            "Makes it an administrator: \(Role.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "role"))
    var role: Role?
    @Option(help: "For how many days it can be used.") var days = 7
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The file to write (default: NAME.invitation).", valueName: "file"))
    var output: String?
    @OptionGroup var server: ServerKitOption

    func validate() throws {
        if role != nil, org == nil { throw ValidationError("An administrator belongs to an organisation: --org.") }
    }

    func run() throws {
        let invitation = try server.kit().invite(name, organisation: org ?? name, role: role, days: days)
        let file = URL(filePath: output ?? "\(name).invitation")
        try invitation.write(to: file)
        print("Invitation of \(name): \(file.path), until \(invitation.expires.formatted(.iso8601))")
        print("There: cohort join \(file.lastPathComponent)")
    }
}

extension Role: ExpressibleByArgument {}
