import Foundation

/// Certificates and keys of a server and its sites, made once for all schedules.
struct Kits {
    let folder: URL
    var roots: URL { folder.appending(path: "roots.pem") }
    /// Public keys, as the server is given them.
    var keys: URL { folder.appending(path: "keys") }

    func certificate(_ name: String) -> URL { folder.appending(path: "\(name).pem") }
    func certificateKey(_ name: String) -> URL { folder.appending(path: "\(name)-key.pem") }
    func signingKey(_ name: String) -> URL { keys.appending(path: "\(name).key") }

    init(_ folder: URL, peer: URL) async throws {
        self.folder = folder
        try FileManager.default.createDirectory(at: keys, withIntermediateDirectories: true)
        let sites = Array(Schedule.names.dropFirst())
        for arguments in [["certificates", "--folder", folder.path], ["keys", "--folder", keys.path]] {
            let log = folder.appending(path: "log")
            guard try await ChildProcess(peer, arguments + sites, log: log).ending() == 0 else {
                throw CocoaError(.executableLoad)
            }
        }
    }
}
