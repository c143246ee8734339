import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension LabelHarmonisation {
    /// Writes each dataset anew: its images placed, its labels in the common values, test cases included.
    ///
    /// Labels of a site that others have and it has not stand in its `dataset.json` under `unannotated_labels`.
    ///
    /// - Parameters:
    ///   - datasets: those that the harmonisation was made of, in its order.
    ///   - new: as many, in the same order.
    ///   - progress: called with the number of finished cases, from any thread.
    /// - Returns: the new folders.
    public func write(
        _ datasets: [RawDataset], as new: NewRawDatasets, images placement: ImagePlacement = .link,
        threads: Int = defaultThreads, progress: @Sendable (Int) -> Void = { _ in }
    ) throws -> [URL] {
        precondition(datasets.count == mappings.count && new.names.count == mappings.count)
        let jobs = try datasets.indices.map { try Self.jobs(of: datasets[$0], site: $0) }.joined().map { $0 }
        let readers = try datasets.map { try $0.imageReaderWriter() }
        return try new.write { folders in
            for (site, folder) in folders.enumerated() {
                for name in Set(jobs.filter { $0.site == site }.flatMap { [$0.images, $0.labels] }) {
                    try FileManager.default.createDirectory(
                        at: folder.appending(path: name), withIntermediateDirectories: true)
                }
            }
            let done = CompletionCount()
            try concurrently(jobs.count, threads: threads) { index in
                let job = jobs[index]
                let (dataset, folder) = (datasets[job.site], folders[job.site])
                try dataset.place(job.raw, in: folder.appending(path: job.images), placement)
                if let label = job.raw.label {
                    let name = job.raw.identifier + dataset.description.fileEnding
                    try relabel(
                        label, of: job.raw.identifier, by: mappings[job.site], readers[job.site],
                        to: folder.appending(path: job.labels).appending(path: name))
                }
                progress(done.next())
            }
            for (site, folder) in folders.enumerated() {
                try JSONValue.object(json(of: datasets[site], site: site)).write(
                    to: folder.appending(path: "dataset.json"))
                try PatientTable.copy(
                    from: datasets[site].folder, of: datasets[site].cases.map(\.identifier), to: folder)
            }
        }
    }

    /// How many cases `write` works on.
    public static func caseCount(of datasets: [RawDataset]) throws -> Int {
        try datasets.reduce(0) { try $0 + jobs(of: $1, site: 0).count }
    }

    private struct Job: Sendable {
        var site: Int
        var raw: RawCase
        var images: String
        var labels: String
    }

    private static func jobs(of dataset: RawDataset, site: Int) throws -> [Job] {
        let tests = try dataset.testCases()
        return dataset.cases.map { Job(site: site, raw: $0, images: "imagesTr", labels: "labelsTr") }
            + tests.map { Job(site: site, raw: $0, images: "imagesTs", labels: "labelsTs") }
    }

    private func relabel(
        _ label: URL, of identifier: String, by mapping: Mapping, _ reader: ImageReaderWriter, to file: URL
    ) throws {
        let image: MedicalImage
        do { image = try reader.readSegmentation(label) } catch {
            throw NNUNetError.badCase(identifier, reason: "its label cannot be read: \(error)")
        }
        guard image.voxels.shape[0] == 1 else {
            throw NNUNetError.badCase(
                identifier, reason: "its label has \(image.voxels.shape[0]) channels, and a label has one")
        }
        let highest = mapping.values.keys.max() ?? 0
        var table = [UInt16?](repeating: nil, count: highest + 1)
        for (old, new) in mapping.values { table[old] = UInt16(new) }
        var labels = Volume<UInt16>(shape: Array(image.voxels.shape.dropFirst()), repeating: 0)
        for (index, value) in image.voxels.elements.enumerated() {
            guard let old = Int(exactly: value), table.indices.contains(old), let new = table[old] else {
                throw NNUNetError.badCase(
                    identifier,
                    reason:
                        "its label holds \(value), which dataset.json of \(mapping.site) does not name. Correct the file, or add the label."
                )
            }
            labels.elements[index] = new
        }
        try reader.writeSegmentation(labels, geometry: image.geometry, spacing: image.spacing, to: file)
    }

    private func json(of dataset: RawDataset, site: Int) -> JSONObject {
        var json = dataset.description.json
        var table = JSONObject(
            labels.map { ($0.name, $0.isList ? JSONValue($0.values) : .integer($0.values[0])) })
        if let ignoreLabel { table["ignore"] = .integer(ignoreLabel) }
        json["labels"] = .object(table)
        json["regions_class_order"] = regionsClassOrder.map { JSONValue($0) }
        json["numTraining"] = .integer(dataset.cases.count)
        json["dataset"] = nil
        let missing = mappings[site].missing
        json["unannotated_labels"] = missing.isEmpty ? nil : .array(missing.map(JSONValue.string))
        return json
    }
}
