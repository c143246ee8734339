import Crypto

/// Flower's app bundle (`.fab`): a zip archive of the Python code that Flower's nodes run, and what its `pyproject.toml`
/// says of it. Cohort runs none of it.
public struct AppBundle: Sendable {
    public let content: [UInt8]
    /// `publisher/name`: with version and hash, where a node puts the code.
    public let id: String
    public let version: String
    /// SHA-256 of the bundle, in hexadecimal digits.
    public let hash: String

    /// - Throws: `FleetError.bundle`.
    public init(_ content: [UInt8]) throws {
        guard content.count <= FleetRun.largestFAB else {
            throw FleetError.bundle("it has \(content.count) bytes, and \(FleetRun.largestFAB) are the most")
        }
        guard let file = try ZipArchive(content).file("pyproject.toml"),
            let text = String(validating: file, as: UTF8.self)
        else { throw FleetError.bundle("it holds no pyproject.toml") }
        func value(_ key: String, in table: String) throws -> String {
            guard let value = Self.text(key, in: table, of: text) else {
                throw FleetError.bundle("its pyproject.toml has no \(key) in [\(table)]")
            }
            return value
        }
        let publisher = try value("publisher", in: "tool.flwr.app")
        id = try publisher + "/" + value("name", in: "project")
        version = try value("version", in: "project")
        hash = ObjectID(SHA256.hash(data: content)).description
        self.content = content
    }

    /// A text of a table in TOML as Flower's build writes it: `[table]`, then `key = "text"` in one line.
    private static func text(_ key: String, in table: String, of toml: String) -> String? {
        var current = ""
        for line in toml.split(whereSeparator: \.isNewline) {
            let line = line.trimmingSpace
            if line.hasPrefix("[") { current = String(line) }
            guard current == "[\(table)]", let equals = line.firstIndex(of: "="),
                line[..<equals].trimmingSpace == key
            else { continue }
            let value = line[line.index(after: equals)...].trimmingSpace
            guard value.count > 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote else {
                return nil
            }
            let text = value.dropFirst().dropLast()
            // Publishers, names and versions have none of these.
            guard !text.contains(where: { $0 == "\\" || $0 == "/" || $0 == quote }) else { return nil }
            return String(text)
        }
        return nil
    }
}

extension FleetRun {
    /// A run for which Flower's nodes get this code.
    public init(id: UInt64, bundle: AppBundle) {
        self.init(id: id, fabID: bundle.id, fabVersion: bundle.version, fabHash: bundle.hash)
    }
}

extension Substring {
    fileprivate var trimmingSpace: Substring {
        var result = drop(while: \.isWhitespace)
        while let last = result.last, last.isWhitespace { result.removeLast() }
        return result
    }
}
