import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Brings a task of the Medical Segmentation Decathlon (arXiv:1902.09063) into nnU-Net's raw form: one file per channel,
/// and a `dataset.json` of nnU-Net's keys.
public struct MSDConversion: Sendable {
    public let source: URL
    public let datasetName: String

    /// - Parameter id: instead of the task's own number.
    public init(_ source: URL, id: Int? = nil) throws {
        let source = source.standardizedFileURL
        let name = source.lastPathComponent
        guard name.hasPrefix("Task"), name.count > 7, let task = Int(name.dropFirst(4).prefix(2)),
            name.dropFirst(6).first == "_"
        else {
            throw NNUNetError.file(
                source.path, reason: "is no task of the Decathlon: its folder must be called like Task04_Hippocampus")
        }
        guard FileManager.default.fileExists(atPath: source.appending(path: "dataset.json").path) else {
            throw NNUNetError.file(source.path, reason: "holds no dataset.json. Give the unpacked folder of the task.")
        }
        if let id, !(1...999).contains(id) { throw NNUNetError.plan("A dataset's number is from 1 to 999, not \(id).") }
        self.source = source
        datasetName = "Dataset\(DatasetFolders.padded(id ?? task))_\(name.dropFirst(7))"
    }

    /// Converts all cases into `raw/DatasetXXX_Name` and returns that folder.
    public func run(into raw: URL, threads: Int = defaultThreads, progress: @Sendable (Int) -> Void = { _ in }) throws
        -> URL
    {
        let target = raw.appending(path: datasetName)
        let files = FileManager.default
        guard !files.fileExists(atPath: target.path) else {
            throw NNUNetError.file(
                target.path, reason: "is there already. Delete it, or give another number (-overwrite_id).")
        }
        let (channels, labels, json) = try description()
        // Under a temporary name until it is whole.
        let partial = raw.appending(path: ".\(datasetName).part")
        try? files.removeItem(at: partial)
        do {
            for name in ["imagesTr", "labelsTr", "imagesTs"] {
                try files.createDirectory(at: partial.appending(path: name), withIntermediateDirectories: true)
            }
            let training = try images("imagesTr")
            let tests = files.fileExists(atPath: source.appending(path: "imagesTs").path) ? try images("imagesTs") : []
            let jobs = training.map { ("imagesTr", $0) } + tests.map { ("imagesTs", $0) }
            let done = CompletionCount()
            try concurrently(jobs.count, threads: threads) { index in
                let (folder, name) = jobs[index]
                let file = source.appending(path: folder).appending(path: name)
                let identifier = String(name.dropLast(7))
                let output = partial.appending(path: folder)
                if channels.count == 1 {
                    try files.copyItem(at: file, to: output.appending(path: identifier + "_0000.nii.gz"))
                } else {
                    let image = try StoredImage.read(file)
                    guard image.size.count == 4, image.size[3] == channels.count else {
                        throw NNUNetError.badCase(
                            identifier,
                            reason:
                                "its image has a shape of \(image.size), and dataset.json names \(channels.count) channels"
                        )
                    }
                    for channel in channels.indices {
                        try ImageWriter.write(
                            channel: channel, of: image,
                            to: output.appending(path: "\(identifier)_000\(channel).nii.gz"))
                    }
                }
                if folder == "imagesTr" {
                    let label = source.appending(path: "labelsTr").appending(path: name)
                    guard files.fileExists(atPath: label.path) else {
                        throw NNUNetError.badCase(identifier, reason: "its label is missing: labelsTr/\(name)")
                    }
                    try files.copyItem(at: label, to: partial.appending(path: "labelsTr").appending(path: name))
                }
                progress(done.next())
            }
            var written = json
            written["channel_names"] = .object(JSONObject(channels.enumerated().map { (String($0), .string($1)) }))
            written["labels"] = .object(JSONObject(labels.map { ($0.name, .integer($0.value)) }))
            written["numTraining"] = .integer(training.count)
            written["file_ending"] = .string(".nii.gz")
            try JSONValue.object(written).write(to: partial.appending(path: "dataset.json"))
            try files.moveItem(at: partial, to: target)
        } catch {
            try? files.removeItem(at: partial)
            if error is NNUNetError || error is ImagingError { throw error }
            throw NNUNetError.file(target.path, reason: "cannot be written. Is the disk full, or the folder read-only?")
        }
        return target
    }

    private func images(_ folder: String) throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: source.appending(path: folder).path)
        else {
            throw NNUNetError.file(source.appending(path: folder).path, reason: "there is no such folder")
        }
        return names.filter { $0.hasSuffix(".nii.gz") && !$0.hasPrefix(".") }.sorted()
    }

    private func description() throws -> (channels: [String], labels: [(name: String, value: Int)], json: JSONObject) {
        let reader = try JSONReader(contentsOf: source.appending(path: "dataset.json"))
        let modality = try reader.reader("modality")
        let channels = try (0..<modality.object.keys.count).map { try modality.string(String($0)) }
        let labels = try reader.reader("labels").object.pairs.map { number, name -> (name: String, value: Int) in
            guard let value = Int(number), let text = name.string else {
                throw reader.fault("labels", "must map numbers to names, as the Decathlon's files do")
            }
            return (value == 0 ? "background" : text, value)
        }
        var json = reader.object
        for key in ["modality", "training", "test", "numTest", "tensorImageSize", "labels", "numTraining"] {
            json[key] = nil
        }
        return (channels, labels.sorted { $0.value < $1.value }, json)
    }
}
