import ArgumentParser
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct ProtectKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect-key", abstract: "Encrypt a key file with a passphrase, or decrypt it.",
        discussion: """
            The file stays PKCS#8 (PBES2: PBKDF2 with HMAC-SHA256, AES-256), which openssl reads too. Who uses the key then \
            needs the passphrase at every start: COHORT_PASSPHRASE, --passphrase-file or the terminal.

            EXAMPLE
              cohort provision protect-key startup/site.key
              cohort provision protect-key --decrypt startup/site.key
            """)

    @Argument(help: ArgumentHelp("The key file.", valueName: "file")) var file: String
    @Flag(help: "Write it without a passphrase.") var decrypt = false
    @OptionGroup var passphrase: PassphraseOptions

    func run() throws {
        let url = URL(filePath: file)
        if decrypt {
            let key = try PrivateKey(contentsOf: url) { try passphrase.ofKey(url.lastPathComponent) }
            try key.write(to: url)
            return print("\(file) is not encrypted any more.")
        }
        let key = try PrivateKey(contentsOf: url) {
            throw ValidationError("\(file) is encrypted already; use --decrypt first.")
        }
        var new = try passphrase.given()
        if new == nil {
            new = PassphraseOptions.ask("New passphrase: ")
            guard new == nil || new == PassphraseOptions.ask("Once more: ") else {
                throw ValidationError("The two passphrases differ. Nothing was changed.")
            }
        }
        guard let new else { throw ValidationError("Give a passphrase: COHORT_PASSPHRASE or --passphrase-file.") }
        try key.write(to: url, passphrase: new)
        print("\(file) is encrypted.")
    }
}
