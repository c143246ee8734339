import ArgumentParser

struct ProvisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provision", abstract: "Make a federation's authority and kits; invite, sign, revoke and check.",
        discussion: """
            The project file is Cohort's own or FLARE's project.yml as it stands. The root key stays in authority/offline, and \
            should be moved to a medium that is kept apart; the server's kit holds an intermediate key that signs sites.

            EXAMPLE
              cohort provision project.yaml                                  the authority and the server's kit
              cohort provision -p project.yml -w workspace --kits            startup kits for everyone, as FLARE makes them
              cohort provision invite hospital_c --org hospital-c --server workspace/study/server
              cohort provision verify workspace/study/prod_00/hospital_a
            """,
        subcommands: [
            MakeKitsCommand.self, InviteCommand.self, SignRequestCommand.self, RevokeCommand.self,
            VerifyKitCommand.self,
            ShowParticipantCommand.self, ProtectKeyCommand.self,
        ],
        defaultSubcommand: MakeKitsCommand.self)
}
