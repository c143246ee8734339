import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension DatasetSplit {
    /// What follows the numbers of the sites' datasets, such as `Prostate_site1`.
    public func titles(of dataset: RawDataset) throws -> [String] {
        let title = DatasetFolders.title(of: dataset.folder.lastPathComponent)
        let titles = sites.map { site in
            title + "_" + String(site.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        }
        guard Set(titles.map { $0.lowercased() }).count == titles.count else {
            throw NNUNetError.plan(
                "Two sites would have one folder name: \(sites.map(\.name).joined(separator: ", ")). Name them by other letters or digits."
            )
        }
        return titles
    }

    /// Writes a raw dataset for each site. The cases that are held out are in imagesTs and labelsTs of all of them.
    ///
    /// - Parameters:
    ///   - new: one for each site, in their order.
    ///   - placement: of images and labels.
    /// - Returns: the new folders.
    public func write(_ dataset: RawDataset, as new: NewRawDatasets, images placement: ImagePlacement = .link) throws
        -> [URL]
    {
        precondition(new.names.count == sites.count)
        let cases = Dictionary(uniqueKeysWithValues: dataset.cases.map { ($0.identifier, $0) })
        func place(_ identifiers: [String], _ images: URL, _ labels: URL) throws {
            for folder in [images, labels] {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            }
            for identifier in identifiers {
                guard let raw = cases[identifier] else {
                    throw NNUNetError.badCase(
                        identifier, reason: "it is not in \(dataset.folder.lastPathComponent). Split again.")
                }
                try dataset.place(raw, in: images, placement)
                try dataset.placeLabel(raw, in: labels, placement)
            }
        }
        return try new.write { folders in
            for (site, folder) in zip(sites, folders) {
                try place(site.cases, folder.appending(path: "imagesTr"), folder.appending(path: "labelsTr"))
                if !heldOut.isEmpty {
                    try place(heldOut, folder.appending(path: "imagesTs"), folder.appending(path: "labelsTs"))
                }
                var json = dataset.description.json
                json["numTraining"] = .integer(site.cases.count)
                if json["numTest"] != nil { json["numTest"] = .integer(heldOut.count) }
                json["dataset"] = nil
                try JSONValue.object(json).write(to: folder.appending(path: "dataset.json"))
                try PatientTable.copy(from: dataset.folder, of: site.cases, to: folder)
            }
        }
    }
}
