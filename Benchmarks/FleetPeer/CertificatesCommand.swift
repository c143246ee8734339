import ArgumentParser
import Foundation
import Provisioning

/// Makes an authority and the certificates of a server and its sites.
struct CertificatesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificates",
        abstract: "Makes roots.pem, and NAME.pem with NAME-key.pem for `server` and for each site, in a folder.")

    @Option var folder: String
    @Argument(help: "The sites.") var names: [String]

    func run() throws {
        let folder = URL(filePath: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let authority = try RootAuthority(named: "Fleet peers", organisation: "test", days: 8).makeIntermediate(days: 7)
        try authority.authority.pem.write(to: folder.appending(path: "roots.pem"), atomically: true, encoding: .utf8)
        for name in ["server"] + names {
            let key = PrivateKey()
            let isServer = name == "server"
            let chain = try authority.issue(
                CertificateSubject(
                    name: name, organisation: "test", kind: isServer ? .server : .site,
                    hosts: isServer ? ["127.0.0.1", "localhost"] : []),
                to: key.publicKey, days: 7)
            try chain.pem.write(to: folder.appending(path: "\(name).pem"), atomically: true, encoding: .utf8)
            try key.write(to: folder.appending(path: "\(name)-key.pem"))
        }
    }
}
