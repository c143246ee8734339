import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// With whose updates a site let each round of a run be opened: a round that is repeated must not tell what another choice
/// would, since the difference of two sums may be one update.
///
/// On the site's disk, where it outlasts the site's process and what the server shows it in between.
struct OpenedRounds {
    /// Of one run and site; nil keeps it in memory.
    private let file: URL?
    private var inMemory: [Int: [String]] = [:]

    /// - Parameter folder: of the run, at the site.
    init(_ folder: URL?, run: String, site: String) {
        // Names may hold what a file's cannot.
        var names = Canonical("secure sum: opened rounds")
        names.add(run)
        names.add(site)
        let digest = SHA256.hash(data: names.data).prefix(8).map { byte in
            let text = String(byte, radix: 16)
            return text.count < 2 ? "0" + text : text
        }
        file = folder?.appending(path: "opened-\(digest.joined()).json")
    }

    /// - Throws: `PrivacyError.file`: then nothing may be opened.
    func survivors(of round: Int) throws -> [String]? { try known()[round] }

    /// Is on the disk when this returns.
    ///
    /// - Throws: `PrivacyError.file`: then nothing may be opened.
    mutating func keep(_ survivors: [String], of round: Int) throws {
        var rounds = try known()
        guard rounds[round] != survivors else { return }
        rounds[round] = survivors
        guard let file else { return inMemory = rounds }
        do {
            let folder = file.deletingLastPathComponent()
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let data = try Data(message: rounds)
            try DurableFile.write(to: file) { output in try data.withUnsafeBytes { try output.write($0) } }
        } catch {
            throw PrivacyError.file(
                file.lastPathComponent,
                reason:
                    "it cannot be written, and without it no secure sum is opened. Check the run's folder, its permissions and the free space."
            )
        }
    }

    private func known() throws -> [Int: [String]] {
        guard let file else { return inMemory }
        guard FileManager.default.fileExists(atPath: file.path) else { return [:] }
        guard let data = try? Data(contentsOf: file),
            let rounds = try? JSONDecoder().decode([Int: [String]].self, from: data)
        else {
            throw PrivacyError.file(
                file.lastPathComponent,
                reason:
                    "it cannot be read, and without it no secure sum of this run is opened. Check its permissions; where it is damaged, begin another run."
            )
        }
        return rounds
    }
}
