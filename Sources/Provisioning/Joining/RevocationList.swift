import Synchronization

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

/// Whom the server does not let in any more, in `revoked.jsonl`.
///
/// To be asked on every call: that costs a `stat`, and the file is read again only when it changed, by whichever process. A
/// list that cannot be read lets nobody in, and neither does one that is missing where there must be one.
public final class RevocationList: Sendable {
    static let file = "revoked.jsonl"

    private let file: RecordFile<Record>
    private let mustExist: Bool
    private let state = Mutex(State())

    struct Record: Codable, Sendable {
        /// Whose certificates of before `at` all count no more; nil where only `serials` are meant.
        var name: String?
        var serials: [String]
        var at: Date
        var reason: String?
    }

    private struct State {
        var seen: Version?
        var serials: Set<String> = []
        var names: [String: Date] = [:]
    }

    /// What changes whenever the file does.
    private struct Version: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    /// - Parameters:
    ///   - folder: where the server keeps what changes.
    ///   - mustExist: whether a list that is missing lets nobody in, as with a server's kit, which is made with one; else it
    ///     is an empty one, until there was one.
    public init(in folder: URL, mustExist: Bool = false) {
        file = RecordFile(url: folder.appending(path: Self.file))
        self.mustExist = mustExist
    }

    /// Whether a certificate was revoked, by its serial number in hexadecimal.
    public func isRevoked(serial: String) throws -> Bool { try read { $0.serials.contains(serial.lowercased()) } }

    /// Whether a participant was: by serial number, or by name with a certificate of before.
    public func isRevoked(_ participant: Participant) throws -> Bool {
        try read { state in
            if state.serials.contains(participant.serial) { return true }
            return state.names[participant.name.lowercased()].map { participant.notBefore <= $0 } ?? false
        }
    }

    /// When a name was last revoked.
    func latest(of name: String) throws -> Date? { try read { $0.names[name.lowercased()] } }

    /// Revokes all certificates that a name has until now, wherever they were issued; it counts from the next call on.
    public func revoke(name: String, serials: [String] = [], reason: String? = nil, at date: Date = Date()) throws {
        try ParticipantName.check(name)
        try checkIsThere()
        try file.append(Record(name: name, serials: serials, at: date.wholeSecond, reason: reason))
    }

    /// Revokes one certificate.
    public func revoke(serial: String, reason: String? = nil, at date: Date = Date()) throws {
        let serial = serial.lowercased().filter { $0 != ":" }
        guard !serial.isEmpty, serial.allSatisfy(\.isHexDigit) else {
            throw ProvisioningError.name("A serial number is written in hexadecimal; cohort provision show tells it")
        }
        try checkIsThere()
        try file.append(Record(name: nil, serials: [serial], at: date.wholeSecond, reason: reason))
    }

    private func read<Result>(_ body: (State) -> Result) throws -> Result where Result: Sendable {
        try state.withLock { state in
            let version = try version()
            // Once there was a list there must be one.
            if version == nil, mustExist || state.seen != nil { throw missing }
            if state.seen != version {
                var new = State(seen: version)
                for record in try file.read() {
                    new.serials.formUnion(record.serials.map { $0.lowercased() })
                    if let name = record.name?.lowercased() {
                        new.names[name] = max(new.names[name] ?? .distantPast, record.at)
                    }
                }
                state = new
            }
            return body(state)
        }
    }

    /// A list that was lost is not begun anew: those whom it shut out would be in again.
    private func checkIsThere() throws {
        if mustExist, try version() == nil { throw missing }
    }

    private var missing: ProvisioningError {
        .file(
            file.url.path,
            reason: "is not there, and nobody is let in without it. Put it back from the backup; where nobody was ever "
                + "shut out, make an empty file of that name")
    }

    /// nil where there is no file.
    private func version() throws -> Version? {
        var facts = stat()
        guard stat(file.url.path, &facts) == 0 else {
            if errno == ENOENT { return nil }
            throw DurableFile.failure(file.url)
        }
        #if canImport(Darwin)
            let time = facts.st_mtimespec
        #else
            let time = facts.st_mtim
        #endif
        return Version(
            device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino), size: Int(facts.st_size), seconds: time.tv_sec,
            nanoseconds: time.tv_nsec)
    }
}
