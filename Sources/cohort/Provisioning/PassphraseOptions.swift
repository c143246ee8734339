import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a key's passphrase comes from: a file, the environment, or the terminal. Never an argument, which others can see.
struct PassphraseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file whose first line is the passphrase of the key (or set COHORT_PASSPHRASE).", valueName: "file"))
    var passphraseFile: String?

    /// The passphrase that was given; nil where none was.
    func given() throws -> String? {
        if let passphraseFile {
            let text = try String(contentsOf: URL(filePath: passphraseFile), encoding: .utf8)
            return text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init)
        }
        return ProcessInfo.processInfo.environment["COHORT_PASSPHRASE"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The passphrase of a key that is encrypted; asked for on a terminal where it was not given.
    func ofKey(_ name: String) throws -> String? { try given() ?? Self.ask("Passphrase of \(name): ") }

    /// Asks on the terminal, which does not show what is typed; nil where there is none.
    static func ask(_ prompt: String) -> String? {
        guard isatty(0) == 1 else { return nil }
        var settings = termios()
        guard tcgetattr(0, &settings) == 0 else { return nil }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(0, TCSAFLUSH, &silent)
        defer { tcsetattr(0, TCSAFLUSH, &settings) }
        StandardError.write(prompt)
        let line = readLine()
        StandardError.write("\n")
        return line.flatMap { $0.isEmpty ? nil : $0 }
    }
}
