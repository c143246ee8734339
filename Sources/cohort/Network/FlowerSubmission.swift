import Federation
import Fleet
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a run with nodes of Flower's brings beside its run file: the app bundle, and a model to begin with.
struct FlowerSubmission {
    var fab: URL
    var initial: URL?

    /// Reads both, so that what cannot work is refused to the one who can mend it.
    ///
    /// - Throws: `FleetError.bundle`, `FederationError.file`.
    func check() throws {
        let size = try FileManager.default.attributesOfItem(atPath: fab.path)[.size] as? Int ?? 0
        guard size <= FleetRun.largestFAB else {
            throw FleetError.bundle("it has \(size) bytes, and \(FleetRun.largestFAB) are the most")
        }
        _ = try AppBundle([UInt8](Data(contentsOf: fab)))
        guard let initial else { return }
        guard !(try WeightsFile(initial).descriptions.isEmpty) else {
            throw FederationError.file("flower.initial", reason: "it holds no tensors. Write the whole model.")
        }
    }

    /// What a run's folder at the server has them as.
    var files: [String: URL] {
        var files = [RunFile.Flower.fabFile: fab]
        files[RunFile.Flower.initialFile] = initial
        return files
    }
}

extension RunFile {
    /// The files that a run file names on the machine of the one who hands it in; nil where it names none.
    func flowerSubmission() throws -> FlowerSubmission? {
        guard let fab = flower.fab else { return nil }
        let result = FlowerSubmission(fab: URL(filePath: fab), initial: flower.initial.map { URL(filePath: $0) })
        for (key, url) in [("fab", result.fab), ("initial", result.initial)] {
            guard let url, !FileManager.default.fileExists(atPath: url.path) else { continue }
            throw StudyError.setting("flower.\(key): there is no file \(url.path).")
        }
        return result
    }
}
