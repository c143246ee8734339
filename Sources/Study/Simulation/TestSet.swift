import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Images with labels that no model trained on, in a folder of their own: a site's `imagesTs` where it has labels for them,
/// else the validation cases of its fold.
struct TestSet: Sendable {
    var images: URL
    var labels: URL
    var dataset: DatasetDescription
    var reader: ImageReaderWriter
    var cases: Int
    /// By file name: classes that the case's site has not annotated.
    private var unannotated: [String: [Int]] = [:]

    /// - Parameter sites: whose cases are put together; their datasets have one description. Cases that several hold are
    ///   taken once.
    init?(of sites: [StudySite], in folder: URL) throws {
        images = folder.appending(path: "images")
        labels = folder.appending(path: "labels")
        let files = FileManager.default
        try? files.removeItem(at: folder)
        for target in [images, labels] { try files.createDirectory(at: target, withIntermediateDirectories: true) }
        var seen: Set<String> = []
        var first: RawDataset?
        for site in sites {
            let raw = try RawDataset(folder: site.folders.raw.appending(path: site.dataset))
            first = first ?? raw
            var chosen = try raw.testCases().filter { $0.label != nil }
            if chosen.isEmpty, case .number = site.fold {
                let validation = Set(try site.split(of: raw).validation)
                chosen = raw.cases.filter { validation.contains($0.identifier) }
            }
            for var item in chosen {
                guard let image = item.images.first, seen.insert(image.resolvingSymlinksInPath().path).inserted else {
                    continue
                }
                item.identifier = CentralisedDataset.name(item.identifier, site)
                unannotated[item.identifier + raw.description.fileEnding] =
                    LabelManager(raw.description).unannotatedClasses
                try raw.place(item, images: images, labels: labels)
            }
        }
        guard let first, !seen.isEmpty else { return nil }
        dataset = first.description
        reader = try first.imageReaderWriter()
        cases = seen.count
    }

    /// Compares predictions of these images with their labels.
    func evaluate(_ predictions: URL) throws -> EvaluationSummary {
        let evaluator = Evaluator(classes: EvaluationClass.all(of: dataset), ignoreLabel: dataset.ignoreLabel)
        var summary = try evaluator.evaluate(
            references: labels, predictions: predictions, fileEnding: dataset.fileEnding, reader: reader,
            allowsMissing: false)
        summary.leaveOut { unannotated[URL(filePath: $0.reference).lastPathComponent] ?? [] }
        try summary.write(to: predictions.appending(path: "summary.json"))
        return summary
    }
}
