import Foundation

/// Values that the original programs produced, kept beside the repository; tests that need them are skipped without.
package enum SharedData {
    package static let folder: URL? = {
        if let path = ProcessInfo.processInfo.environment["COHORT_SHARED"] { return URL(filePath: path) }
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let sibling = package.deletingLastPathComponent().appending(path: "shared")
        return FileManager.default.fileExists(atPath: sibling.path) ? sibling : nil
    }()

    /// Where `path` is, if it is there.
    package static func url(_ path: String) -> URL? {
        guard let url = folder?.appending(path: path), FileManager.default.fileExists(atPath: url.path) else {
            return nil
        }
        return url
    }

    package static func json(_ path: String) throws -> [String: Any] {
        guard let url = url(path) else { throw CocoaError(.fileNoSuchFile) }
        return try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
    }
}
