import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site's compression has left out, kept on its disk and added to the next update (Seide et al. 2014; Karimireddy et
/// al. 2019, arXiv:1901.09847).
///
/// What is left after a round waits as `pending` until the server says that it has the round's update; only then later rounds
/// begin from it. A round always begins from what was left by an earlier one: a round that comes again after a crash begins
/// where it began the first time, and nothing is sent twice.
struct ErrorFeedback: Sendable {
    /// Of one site and filter.
    private let folder: URL

    /// - Parameter folder: of one run. Files in it tell as much as an update does: only the site's own user may read them.
    init(_ folder: URL, filter: String, site: String) throws {
        // A site's name may hold what a file's cannot.
        let digest = SHA256.hash(data: Data(site.utf8)).prefix(8).map { byte in
            let text = String(byte, radix: 16)
            return text.count < 2 ? "0" + text : text
        }
        self.folder = folder.appending(path: "\(filter)-\(digest.joined())")
        do {
            try FileManager.default.createDirectory(
                at: self.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw PrivacyError.file(
                self.folder.path, reason: "the folder cannot be made. Choose another, or free its place.")
        }
    }

    private enum State: String { case pending, received }

    private func file(_ round: Int, _ state: State) -> URL {
        folder.appending(path: "\(round).\(state.rawValue).safetensors")
    }

    /// Rounds of which there is a file.
    private func rounds(_ state: State) throws -> [Int] {
        let suffix = ".\(state.rawValue).safetensors"
        return try names().compactMap { $0.hasSuffix(suffix) ? Int($0.dropLast(suffix.count)) : nil }
    }

    private func names() throws -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: folder.path) } catch {
            throw PrivacyError.file(folder.path, reason: "the folder cannot be read. Check its permissions.")
        }
    }

    /// What was left when the server last had an update of a round before this one.
    func left(before round: Int) throws -> Weights? {
        guard let last = try rounds(.received).filter({ $0 < round }).max() else { return nil }
        return try WeightsFile(file(last, .received)).weights()
    }

    /// Keeps what a round leaves, on the disk when this returns. Files of rounds that no round can begin from any more go.
    func keep(_ weights: Weights, round: Int) throws {
        try WeightsFile.write(weights, to: file(round, .pending))
        let received = try rounds(.received)
        let last = received.filter { $0 < round }.max()
        for old in received where old != last { try? FileManager.default.removeItem(at: file(old, .received)) }
        for old in try rounds(.pending) where old != round {
            try? FileManager.default.removeItem(at: file(old, .pending))
        }
        // What a crash left half written.
        for name in try names() where name.hasSuffix(".part") {
            try? FileManager.default.removeItem(at: folder.appending(path: name))
        }
    }

    /// The server has the update of a round. May be said again.
    func received(round: Int) throws {
        if try rounds(.pending).contains(round) {
            try DurableFile.rename(file(round, .pending), to: file(round, .received))
        } else if try !rounds(.received).contains(round) {
            throw PrivacyError.refused(
                "The server speaks of an update of round \(round), which this site has not made. Was the folder of the "
                    + "run's filters cleared?")
        }
    }
}
