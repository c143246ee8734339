import Imaging
import Synchronization

/// Reads every case of a dataset once and computes its fingerprint.
public struct FingerprintExtractor: Sendable {
    public let dataset: RawDataset
    public let reader: ImageReaderWriter

    public init(_ dataset: RawDataset) throws {
        self.dataset = dataset
        reader = try dataset.imageReaderWriter()
    }

    /// - Parameters:
    ///   - threads: cases at a time.
    ///   - progress: called with the number of finished cases and the last of them, from any thread.
    public func run(threads: Int = defaultThreads, progress: @Sendable (Int, CaseReport) -> Void = { _, _ in }) throws
        -> DatasetFingerprint
    {
        guard let fingerprint = DatasetFingerprint(try cases(threads: threads, progress: progress)) else {
            throw NNUNetError.dataset(
                dataset.folder.lastPathComponent,
                facts: ["no case has any foreground (a label above 0). Are the labels in labelsTr the right ones?"])
        }
        return fingerprint
    }

    /// What each case adds, in the order of the cases.
    public func cases(threads: Int = defaultThreads, progress: @Sendable (Int, CaseReport) -> Void = { _, _ in })
        throws -> [CaseFingerprint]
    {
        let results = Mutex([CaseFingerprint?](repeating: nil, count: dataset.cases.count))
        let done = CompletionCount()
        try concurrently(dataset.cases.count, threads: threads) { index in
            let (result, shape) = try analyse(dataset.cases[index])
            results.withLock { $0[index] = result }
            progress(
                done.next(), CaseReport(identifier: dataset.cases[index].identifier, shapes: [shape, result.shape]))
        }
        return results.withLock { $0.compactMap { $0 } }
    }

    /// What a case adds, and its shape as read.
    private func analyse(_ raw: RawCase) throws -> (CaseFingerprint, shape: [Int]) {
        do {
            guard let label = raw.label else { throw NNUNetError.badCase(raw.identifier, reason: "it has no label") }
            guard raw.images.count == dataset.description.channelNames.count else {
                throw NNUNetError.badCase(
                    raw.identifier,
                    reason:
                        "it has \(raw.images.count) image files for the \(dataset.description.channelNames.count) channels of dataset.json"
                )
            }
            let image = try reader.readImages(raw.images)
            let labels = try reader.readSegmentation(label).voxels
            guard labels.shape.dropFirst() == image.voxels.shape.dropFirst() else {
                throw NNUNetError.badCase(
                    raw.identifier,
                    reason:
                        "its image has a shape of \(image.voxels.shape.dropFirst().map { $0 }), its label \(labels.shape.dropFirst().map { $0 })"
                )
            }
            guard image.voxels.elements.allSatisfy(\.isFinite) else {
                throw NNUNetError.badCase(
                    raw.identifier, reason: "its image holds NaN or infinite values. Replace them, by 0 for example.")
            }
            let crop = NonzeroCrop(image.voxels)
            let data = crop.apply(to: image.voxels)
            let cropped = labels.cropped(to: [0..<1] + crop.box)
            let intensities = (0..<data.shape[0]).map { channel in
                var foreground: [Float] = []
                let base = channel * crop.voxels
                data.elements.withUnsafeBufferPointer { values in
                    cropped.elements.withUnsafeBufferPointer { labels in
                        for i in 0..<crop.voxels where labels[i] > 0 { foreground.append(values[base + i]) }
                    }
                }
                return IntensityDistribution(foreground)
            }
            let result = CaseFingerprint(
                shape: crop.shape, spacing: image.spacing, relativeSize: Double(crop.voxels) / Double(labels.count),
                intensities: intensities)
            return (result, Array(labels.shape.dropFirst()))
        } catch let error as ImagingError {
            throw NNUNetError.badCase(raw.identifier, reason: error.description)
        }
    }
}
