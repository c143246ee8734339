import Foundation
import Testing

import Provisioning

/// A folder that goes with its last owner.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "provisioning-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func callAsFunction(_ path: String) -> URL { url.appending(path: path) }

    /// Every file below a path, by its path from there.
    func contents(of path: String) throws -> [String: Data] {
        let top = url.appending(path: path)
        var contents: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: top.path) {
            var isFolder: ObjCBool = false
            let file = top.appending(path: name)
            if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), !isFolder.boolValue {
                contents[name] = try Data(contentsOf: file)
            }
        }
        return contents
    }
}

func mode(_ url: URL) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions] as? Int)
}
