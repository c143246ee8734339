import ArgumentParser
import Provisioning

struct RevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Let a site or an administrator in no more, from the next call on.",
        discussion: """
            All certificates that the name has until now are void, wherever they were made. Only a new invitation brings it back.

            EXAMPLE
              cohort provision revoke hospital_c --reason "laptop stolen"
              cohort provision revoke --serial 3f9a…
            """)

    @Argument(help: "The name of the site or the administrator.") var name: String?
    @Option(help: "One certificate instead, by its serial number.") var serial: String?
    @Option(help: "Kept in the list.") var reason: String?
    @OptionGroup var server: ServerKitOption

    func validate() throws {
        guard (name == nil) != (serial == nil) else { throw ValidationError("Give a name, or --serial.") }
    }

    func run() throws {
        let kit = try server.kit()
        if let name {
            if try kit.revoke(name, reason: reason) == 0 {
                StandardError.write(
                    "Notice: nobody called \(name) was certified here; one with a startup kit is shut out all the same. Is the "
                        + "name right?\n")
            }
        } else if let serial {
            try kit.revoke(serial: serial, reason: reason)
        }
        print("Revoked: \(name ?? serial ?? ""). It counts from the next call on.")
    }
}
