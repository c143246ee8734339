import ArgumentParser
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server's kit, on the server's machine.
struct ServerKitOption: ParsableArguments {
    @Option(help: ArgumentHelp("The server's kit (default: this folder, or ./server in it).", valueName: "folder"))
    var server: String?

    func kit() throws -> Kit {
        if let server { return try Kit(contentsOf: URL(filePath: server)) }
        if let kit = try? Kit(contentsOf: URL(filePath: "server")) { return kit }
        return try Kit(contentsOf: URL(filePath: FileManager.default.currentDirectoryPath))
    }
}
