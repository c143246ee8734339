import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The CKKS key of a simulation's sites, which a run that is taken up needs again.
enum SharedKey {
    /// Reads it, or makes it.
    ///
    /// - Parameter output: of the run.
    static func inSimulation(_ output: URL) throws -> Data {
        let folder = output.appending(path: "sites")
        let file = folder.appending(path: "ckks.key")
        if let key = try? Data(contentsOf: file), key.count == 32 { return key }
        let files = FileManager.default
        guard !files.fileExists(atPath: file.path) else {
            throw StudyError.file(file.lastPathComponent, reason: "it is no CKKS key; remove it to begin the run anew")
        }
        let key = CKKSKey.randomBytes()
        do {
            try files.createDirectory(at: folder, withIntermediateDirectories: true)
            try key.write(to: file, options: .atomic)
            try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        } catch {
            throw StudyError.file(file.lastPathComponent, reason: "it cannot be written; free the run's folder")
        }
        return key
    }
}
