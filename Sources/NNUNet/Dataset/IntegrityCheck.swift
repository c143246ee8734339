import Imaging
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Everything that nnU-Net's `verify_dataset_integrity` looks for; all faults are collected before it speaks.
public struct IntegrityCheck: Sendable {
    public let dataset: RawDataset

    public init(_ dataset: RawDataset) { self.dataset = dataset }

    /// Looks at dataset.json and at which files are there, and reads none of them: a matter of moments.
    ///
    /// - Throws: `NNUNetError.dataset` with one line per fault.
    public func runQuickly() throws {
        if dataset.description.imageReaderWriterOverride != nil {
            _ = try dataset.imageReaderWriter()
        } else {
            _ = try ImageReaderWriter.select(fileEnding: dataset.description.fileEnding, example: nil)
        }
        let faults = describedFaults() + dataset.cases.flatMap { fileFaults($0) }
        guard faults.isEmpty else { throw NNUNetError.dataset(dataset.folder.lastPathComponent, facts: faults) }
    }

    /// - Returns: warnings, which nothing depends on.
    /// - Throws: `NNUNetError.dataset` with one line per fault.
    public func run(threads: Int = defaultThreads, progress: @Sendable (Int) -> Void = { _ in }) throws -> [String] {
        var faults = describedFaults()
        let reader = try dataset.imageReaderWriter()
        let results = Mutex([(faults: [String], warnings: [String])](repeating: ([], []), count: dataset.cases.count))
        let done = CompletionCount()
        try concurrently(dataset.cases.count, threads: threads) { index in
            let result = check(dataset.cases[index], reader)
            results.withLock { $0[index] = result }
            progress(done.next())
        }
        let all = results.withLock { $0 }
        faults += all.flatMap(\.faults)
        guard faults.isEmpty else { throw NNUNetError.dataset(dataset.folder.lastPathComponent, facts: faults) }
        return all.flatMap(\.warnings)
    }

    private var expectedLabels: Set<Int> {
        Set(dataset.description.labels.flatMap(\.values) + (dataset.description.ignoreLabel.map { [$0] } ?? []))
    }

    private func describedFaults() -> [String] {
        var faults: [String] = []
        let description = dataset.description
        if dataset.cases.count != description.numTraining {
            faults.append(
                "dataset.json says numTraining \(description.numTraining), but there are \(dataset.cases.count) cases in imagesTr. Correct the number."
            )
        }
        if description.caseTable == nil {
            let known = Set(dataset.cases.map(\.identifier))
            let folder = dataset.folder.appending(path: "labelsTr").path
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            let labelled = files.filter { $0.hasSuffix(description.fileEnding) }.map {
                String($0.dropLast(description.fileEnding.count))
            }
            for identifier in labelled.sorted() where !known.contains(identifier) {
                faults.append(
                    "case \(identifier): it has a label, but no image in imagesTr. Add the image, or remove the label.")
            }
        }
        let labels = expectedLabels.sorted()
        if labels != Array(0..<labels.count) {
            faults.append(
                "labels in dataset.json are \(labels); they must be consecutive from 0. Renumber them, in the label files too."
            )
        }
        return faults
    }

    /// What the names of a case's files tell.
    private func fileFaults(_ raw: RawCase) -> [String] {
        var faults: [String] = []
        let channels = dataset.description.channelNames
        if raw.images.count != channels.count {
            faults.append(
                "it has \(raw.images.count) image files for \(channels.count) channels (\(channels.joined(separator: ", ")))"
            )
        }
        for image in raw.images where !FileManager.default.fileExists(atPath: image.path) {
            faults.append("its image is missing, or a link to nowhere: \(image.lastPathComponent)")
        }
        if !Self.exists(raw.label) {
            faults.append("its label is missing: \(raw.label?.lastPathComponent ?? "(none)") in labelsTr")
        }
        return faults.map { "case \(raw.identifier): \($0)" }
    }

    private static func exists(_ file: URL?) -> Bool {
        file.map { FileManager.default.fileExists(atPath: $0.path) } ?? false
    }

    private func check(_ raw: RawCase, _ reader: ImageReaderWriter) -> (faults: [String], warnings: [String]) {
        var faults = fileFaults(raw)
        var warnings: [String] = []
        func fault(_ text: String) { faults.append("case \(raw.identifier): \(text)") }
        let channels = dataset.description.channelNames
        guard let label = raw.label, (raw.images + [label]).allSatisfy(Self.exists) else { return (faults, warnings) }
        let image: MedicalImage
        let segmentation: MedicalImage
        do {
            image = try reader.readImages(raw.images)
            segmentation = try reader.readSegmentation(label)
        } catch {
            fault("\(error)")
            return (faults, warnings)
        }
        if image.voxels.elements.contains(where: \.isNaN) {
            fault("its image holds NaN. Replace it, by 0 for example.")
        }
        if segmentation.voxels.elements.contains(where: \.isNaN) { fault("its label holds NaN") }
        if image.voxels.shape[0] != channels.count, raw.images.count == channels.count {
            fault("its files hold \(image.voxels.shape[0]) channels, dataset.json names \(channels.count)")
        }
        let shapes = (Array(image.voxels.shape.dropFirst()), Array(segmentation.voxels.shape.dropFirst()))
        if shapes.0 != shapes.1 {
            fault("its image has a shape of \(shapes.0), its label \(shapes.1). Resample the label onto the image.")
        }
        if zip(image.spacing, segmentation.spacing).contains(where: { abs($0 - $1) > 1e-8 + 1e-5 * abs($1) }) {
            fault(
                "its image has a spacing of \(image.spacing), its label \(segmentation.spacing). Copy the image's header onto the label."
            )
        }
        let known = expectedLabels
        let strangers = Set(segmentation.voxels.elements.filter { !$0.isNaN }).filter { value in
            Int(exactly: value).map { !known.contains($0) } ?? true
        }
        if !strangers.isEmpty {
            let list = strangers.sorted().prefix(5).map { Int(exactly: $0).map(String.init) ?? "\($0)" }.joined(
                separator: ", ")
            fault("its label holds \(list), which dataset.json does not name. Correct the file, or add the label.")
        }
        if !Self.sameWorld(image.geometry, segmentation.geometry) {
            warnings.append("case \(raw.identifier): image and label differ in origin or direction")
        }
        return (faults, warnings)
    }

    private static func sameWorld(_ a: ImageGeometry, _ b: ImageGeometry) -> Bool {
        func near(_ x: [Double], _ y: [Double]) -> Bool {
            x.count == y.count && zip(x, y).allSatisfy { abs($0 - $1) <= 1e-3 }
        }
        switch (a, b) {
        case (.simpleITK(_, let o1, let d1), .simpleITK(_, let o2, let d2)): return near(o1, o2) && near(d1, d2)
        case (.nibabel(let m1, _), .nibabel(let m2, _)): return near(m1, m2)
        default: return true
        }
    }
}
