import ArgumentParser
import Fleet
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Keys of Flower's nodes, which take part in runs that name them.
struct RegisterNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register-node", abstract: "Let a stock Flower node take part in runs that name it.",
        discussion: """
            EXAMPLE
              cohort server register-node radboud node.pub --folder workspace/STUDY/server
            """)

    @Argument(help: "What run files call it.") var name: String
    @Argument(help: "The public half of its key: PEM, or OpenSSH's form.") var key: String
    @OptionGroup var server: ServerFolderOption

    func run() throws {
        let name = try nodeName(name)
        guard let text = try? String(contentsOf: URL(filePath: key), encoding: .utf8) else {
            throw ValidationError("\(key) cannot be read.")
        }
        let key = try SigningKey(text: text)
        let keys = NodeKeyFolder.ofServer(try server.state())
        let wasThere = keys.key(of: name) == key
        try keys.register(key, as: name)
        do {
            try server.audit("registered the key \(key) as the node \(name)")
        } catch {
            // Nobody is let in of whom no line says so.
            if !wasThere { _ = try keys.unregister(name) }
            throw error
        }
        print("\(name): \(key)")
    }
}

struct UnregisterNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unregister-node", abstract: "Shut a stock Flower node out, from its next call on.")

    @Argument(help: "What it was registered as.") var name: String
    @OptionGroup var server: ServerFolderOption

    func run() throws {
        let name = try nodeName(name)
        let keys = NodeKeyFolder.ofServer(try server.state())
        guard try keys.unregister(name) else {
            let known = keys.names.map(\.description).joined(separator: ", ")
            throw ValidationError("No node is registered as \(name)\(known.isEmpty ? "" : "; known are \(known)").")
        }
        try server.audit("unregistered the node \(name)")
        print("\(name): unregistered")
    }
}

/// The server whose state is meant.
struct ServerFolderOption: ParsableArguments {
    @Option(help: "The server's kit, or what the server was given as --folder.") var folder: String

    func state() throws -> URL {
        let folder = URL(filePath: folder)
        if let kit = try? Kit(contentsOf: folder) {
            guard kit.settings.kind == .server else {
                throw ValidationError("\(self.folder) is the kit of \(kit.settings.name), which is no server.")
            }
            return kit.folder.appending(path: "state")
        }
        guard FileManager.default.fileExists(atPath: folder.appending(path: "fleet").path) else {
            throw ValidationError("\(self.folder) is neither a server's kit nor a folder that a server works in.")
        }
        return folder
    }

    /// A line among those of the server.
    func audit(_ what: String) throws {
        try AuditLog(state().appending(path: "audit.jsonl")).changed(what)
    }
}

private func nodeName(_ text: String) throws -> SiteName {
    guard let name = SiteName(text) else {
        throw ValidationError("\(text) is no site's name: letters, digits and -_. within, at most 64.")
    }
    return name
}

extension NodeKeyFolder {
    /// The keys that a server knows, in the folder where it works.
    static func ofServer(_ state: URL) -> NodeKeyFolder { NodeKeyFolder(state.appending(path: "nodes")) }
}
