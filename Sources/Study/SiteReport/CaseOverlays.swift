import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A few of a site's validation cases, predicted and drawn: the best and the worst by Dice, and those evenly between.
///
/// **For the report that a site makes for itself.** They show images of patients and name cases.
public struct CaseOverlays: Sendable {
    /// Segments all images of a folder into another one.
    public typealias Predict = @Sendable (_ images: URL, _ output: URL) async throws -> Void

    /// So many cases are predicted for one that is shown, and no more, however many the site has.
    static let predictedForEach = 4

    private let dataset: RawDataset
    private let validation: [RawCase]

    /// - Parameters:
    ///   - validation: identifiers of the cases to choose from.
    public init(_ dataset: RawDataset, validation: [String]) {
        let wanted = Set(validation)
        self.dataset = dataset
        self.validation = dataset.cases.filter { wanted.contains($0.identifier) && $0.label != nil }
    }

    /// Predicts and draws so many cases; fewer where there are fewer.
    ///
    /// - Parameters:
    ///   - scratch: a folder for links and predictions, which is gone afterwards.
    /// - Throws: what reading and predicting throw, which may name cases.
    public func draw(_ count: Int, scratch: URL, predict: Predict) async throws -> [Report.SiteOverlay] {
        let candidates = Self.evenly(Self.predictedForEach * count, of: validation)
        guard count > 0, !candidates.isEmpty else { return [] }
        let files = FileManager.default
        try? files.removeItem(at: scratch)
        defer { try? files.removeItem(at: scratch) }
        let (images, labels) = (scratch.appending(path: "images"), scratch.appending(path: "labels"))
        let predictions = scratch.appending(path: "predictions")
        for folder in [images, labels] { try files.createDirectory(at: folder, withIntermediateDirectories: true) }
        for raw in candidates { try dataset.place(raw, images: images, labels: labels) }
        try await predict(images, predictions)

        let description = dataset.description
        let reader = try dataset.imageReaderWriter()
        let evaluator = Evaluator(
            classes: EvaluationClass.all(of: description), ignoreLabel: description.ignoreLabel, surfaceTolerance: nil)
        var summary = try evaluator.evaluate(
            references: labels, predictions: predictions, fileEnding: description.fileEnding, reader: reader)
        let unannotated = LabelManager(description).unannotatedClasses
        summary.leaveOut { _ in unannotated }
        let byName = Dictionary(candidates.map { ($0.identifier + description.fileEnding, $0) }) { a, _ in a }
        let ranked = summary.cases.compactMap { item -> Scored? in
            let dice = item.metrics.map(\.dice)
            let found = dice.filter(\.isFinite)
            guard let raw = byName[URL(filePath: item.reference).lastPathComponent], !found.isEmpty else { return nil }
            return Scored(
                raw: raw, prediction: URL(filePath: item.prediction), dice: dice,
                mean: found.reduce(0, +) / Double(found.count))
        }.sorted { ($1.mean, $0.raw.identifier) < ($0.mean, $1.raw.identifier) }
        return try Self.evenly(count, of: Array(ranked.enumerated())).map { rank, scored in
            Report.SiteOverlay(
                title: "\(Self.place(rank, of: ranked.count)): \(scored.raw.identifier)", note: note(scored),
                png: try picture(scored, reader: reader, scratch: scratch))
        }
    }

    private struct Scored {
        var raw: RawCase
        var prediction: URL
        /// By class; NaN where neither image has it.
        var dice: [Double]
        var mean: Double
    }

    /// The first, the last, and so many in all at equal distances; one alone is the middle one.
    static func evenly<Item>(_ count: Int, of items: [Item]) -> [Item] {
        guard count < items.count else { return items }
        guard count > 1 else { return count == 1 ? [items[(items.count - 1) / 2]] : [] }
        return (0..<count).map { items[($0 * (items.count - 1) + (count - 1) / 2) / (count - 1)] }
    }

    private static func place(_ rank: Int, of count: Int) -> String {
        switch rank {
        case _ where count == 1: "The only case"
        case 0: "The best of \(count)"
        case count - 1: "The worst of \(count)"
        case (count - 1) / 2, count / 2: "The median of \(count)"
        default: "Number \(rank + 1) of \(count)"
        }
    }

    /// "Dice 0.871: liver 0.912, tumour 0.830".
    private func note(_ scored: Scored) -> String {
        let each = zip(EvaluationClass.names(of: dataset.description), scored.dice).map {
            "\($0) \(Quantity.decimal($1, 3))"
        }
        return "Dice \(Quantity.decimal(scored.mean, 3))" + (each.count > 1 ? ": \(each.joined(separator: ", "))" : "")
    }

    private func picture(_ scored: Scored, reader: ImageReaderWriter, scratch: URL) throws -> [UInt8] {
        let image = try reader.readImages([scored.raw.images[0]])
        let shape = Array(image.voxels.shape.suffix(3))
        func labels(_ file: URL) throws -> Volume<UInt16> {
            let volume = try reader.readSegmentation(file).voxels
            return Volume(
                shape: Array(volume.shape.suffix(3)), elements: volume.elements.map { UInt16(max(0, min(65535, $0))) })
        }
        let figure = OverlayFigure(
            title: "",
            rows: [
                OverlayFigure.Row(
                    title: "image",
                    image: Volume(
                        shape: shape, elements: Array(image.voxels.elements.prefix(shape.reduce(1, *)))),
                    truth: try scored.raw.label.map(labels), prediction: try labels(scored.prediction),
                    spacing: image.spacing, flipped: image.flippedForViewing)
            ],
            labels: dataset.description.labels.filter { $0.values != [0] }.map { ($0.values[0], $0.name) })
        let file = scratch.appending(path: "overlay.png")
        try figure.write(to: file)
        return Array(try Data(contentsOf: file))
    }
}
