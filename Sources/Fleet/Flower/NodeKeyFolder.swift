import Federation

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// The public keys of Flower's nodes that a server's people have registered: a folder with `NAME.pub` for each.
///
/// To be asked on every call: what another process adds or takes away counts at once. What cannot be read is not there.
public struct NodeKeyFolder: Sendable {
    public let folder: URL

    public init(_ folder: URL) { self.folder = folder }

    /// The registered nodes, in the order of their names.
    public var names: [SiteName] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".pub") }.sorted().compactMap { SiteName(String($0.dropLast(4))) }
    }

    private func file(_ name: SiteName) -> URL { folder.appending(path: "\(name).pub") }

    public func key(of name: SiteName) -> SigningKey? {
        (try? String(contentsOf: file(name), encoding: .utf8)).flatMap { try? SigningKey(pem: $0) }
    }

    public func name(of key: SigningKey) -> SiteName? {
        names.first { (try? String(contentsOf: file($0), encoding: .utf8)) == key.pem }
    }

    /// On the disk when this returns.
    ///
    /// - Throws: `FleetError.key` where the name has another key, or the key another name.
    public func register(_ key: SigningKey, as name: SiteName) throws {
        if let other = self.name(of: key), other != name {
            throw FleetError.key("it is registered already, as \(other)")
        }
        if let other = self.key(of: name), other != key {
            throw FleetError.key("\(name) has another key, which must be unregistered first")
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try DurableFile.write(to: file(name)) { file in
            try Array(key.pem.utf8).withUnsafeBytes { try file.write($0) }
        }
    }

    /// - Returns: whether it was there.
    public func unregister(_ name: SiteName) throws -> Bool {
        guard FileManager.default.fileExists(atPath: file(name).path) else { return false }
        try FileManager.default.removeItem(at: file(name))
        return true
    }
}
