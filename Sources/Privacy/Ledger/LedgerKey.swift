import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a ledger's hashes are made with: 32 bytes that stay at the site. Without them nobody can find a patient in it by
/// trying names, or write a line that fits.
struct LedgerKey: Sendable {
    private let key: SymmetricKey

    /// Reads the key, or makes it where `isNew`.
    init(_ url: URL, isNew: Bool) throws {
        if isNew, !FileManager.default.fileExists(atPath: url.path) {
            let fresh = SymmetricKey(size: .bits256)
            try DurableFile.write(to: url) { file in
                try fresh.withUnsafeBytes { try file.write($0) }
            }
            // The folder is the owner's alone already.
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
            key = fresh
            return
        }
        guard let data = try? Data(contentsOf: url), data.count == 32 else {
            throw PrivacyError.file(
                url.lastPathComponent,
                reason: "the ledger's key cannot be read. Without it no account is known: bring it back from a backup.")
        }
        key = SymmetricKey(data: data)
    }

    /// A line's hash, in hexadecimal.
    func hash(line: some DataProtocol) -> String { hex(code("line", line)) }

    /// A case under a name that says nothing: 16 bytes in hexadecimal.
    func hash(case name: String) -> String { hex(code("case", Data(name.utf8)).prefix(16)) }

    /// A patient, by a column's value.
    func hash(patient name: String, column: String) -> String {
        hex(code("patient", Data("\(column)\0\(name)".utf8)).prefix(16))
    }

    /// A set of cases and patients, by their hashes.
    func hash(set members: LedgerAccounts.Members) -> String {
        let text = "\(members.cases.joined(separator: " "))|\(members.patients.joined(separator: " "))"
        return hex(code("set", Data(text.utf8)).prefix(16))
    }

    private func code(_ purpose: String, _ data: some DataProtocol) -> [UInt8] {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Data("cohort ledger \(purpose)\0".utf8))
        code.update(data: data)
        return Array(code.finalize())
    }

    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
