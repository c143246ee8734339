import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes synthetic patients as a dataset in nnU-Net's raw form.
public struct PhantomDataset: Sendable {
    public var phantom: Phantom
    public var trainingCases: Int
    public var testCases: Int

    public init(_ phantom: Phantom, trainingCases: Int, testCases: Int) throws {
        guard (1...9999).contains(trainingCases), (0...9999).contains(testCases) else {
            throw NNUNetError.plan("A phantom dataset has 1 to 9999 training cases and 0 to 9999 test cases.")
        }
        self.phantom = phantom
        self.trainingCases = trainingCases
        self.testCases = testCases
    }

    /// Fills a new folder: imagesTr, labelsTr, imagesTs, labelsTs and dataset.json.
    public func write(to folder: URL, threads: Int = defaultThreads, progress: @Sendable (Int) -> Void = { _ in })
        throws
    {
        let files = FileManager.default
        guard !files.fileExists(atPath: folder.path) else {
            throw NNUNetError.file(
                folder.path, reason: "is there already. Delete it, or give the phantom another number (-d).")
        }
        let total = trainingCases + testCases
        for name in ["imagesTr", "labelsTr"] + (testCases > 0 ? ["imagesTs", "labelsTs"] : []) {
            do { try files.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true) } catch
            {
                throw NNUNetError.file(
                    folder.path, reason: "cannot be made. Is the folder above read-only, or the disk full?")
            }
        }
        let done = CompletionCount()
        try concurrently(total, threads: threads) { index in
            let isTest = index >= trainingCases
            let patient = phantom.patient(index)
            let digits = String(index)
            let identifier = "phantom_" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            let images = folder.appending(path: isTest ? "imagesTs" : "imagesTr")
            for (channel, image) in patient.images.enumerated() {
                try ImageWriter.write(
                    image, spacing: patient.spacing, to: images.appending(path: "\(identifier)_000\(channel).nii.gz"))
            }
            try ImageWriter.write(
                patient.labels, spacing: patient.spacing,
                to: folder.appending(path: isTest ? "labelsTs" : "labelsTr").appending(path: identifier + ".nii.gz"))
            progress(done.next())
        }
        let names = (0..<phantom.channels).map {
            phantom.modality == .ct ? "CT" : ["T1w", "T2w", "FLAIR", "PD"][$0 % 4] + ($0 < 4 ? "" : "_\($0)")
        }
        let json = JSONValue.object(
            JSONObject([
                ("channel_names", .object(JSONObject(names.enumerated().map { (String($0), .string($1)) }))),
                (
                    "labels",
                    .object(
                        JSONObject(
                            [("background", .integer(0))] + (1...phantom.labels).map { ("organ\($0)", .integer($0)) }))
                ),
                ("numTraining", .integer(trainingCases)), ("file_ending", .string(".nii.gz")),
                ("description", .string("synthetic patients; seed \(phantom.seed)")),
            ]))
        try json.write(to: folder.appending(path: "dataset.json"))
    }
}
