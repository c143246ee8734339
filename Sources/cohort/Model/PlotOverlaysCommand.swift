import ArgumentParser
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct PlotOverlaysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot-overlays", abstract: "Draw images, references and predictions side by side.",
        discussion:
            "EXAMPLE\n  cohort plot-overlays imagesTs predictions -gt labelsTs -djfile dataset.json -o overlays.png")

    @Argument(help: "Folder of images, case_0000.nii.gz and so on.") var images: String
    @Argument(help: "Folder of predictions.") var predictions: String
    @Option(name: .customLong("gt", withSingleDash: true), help: "Folder of references.") var references: String?
    @Option(name: .customLong("djfile", withSingleDash: true), help: "dataset.json.") var datasetFile: String
    @Option(name: .customShort("o"), help: "The picture.") var output = "overlays.png"
    @Option(name: .customLong("channel_idx", withSingleDash: true), help: "The channel to show.") var channel = 0
    @Option(help: "Above the picture.") var title = "Predictions"
    @Option(help: "At most so many cases.") var cases = 6

    func run() throws {
        let dataset = try DatasetDescription(contentsOf: URL(filePath: datasetFile))
        let all = try RawDataset.cases(
            in: URL(filePath: images, directoryHint: .isDirectory), fileEnding: dataset.fileEnding)
        let shown = all.filter { raw in
            FileManager.default.fileExists(atPath: file(predictions, raw.identifier, dataset).path)
                && channel < raw.images.count
        }.prefix(cases)
        guard let first = shown.first else {
            throw NNUNetError.file(predictions, reason: "holds no prediction of an image in \(images)")
        }
        let reader = try ImageReaderWriter.select(fileEnding: dataset.fileEnding, example: first.images.first)
        func labels(_ folder: String, _ raw: RawCase) throws -> Volume<UInt16> {
            let volume = try reader.readSegmentation(file(folder, raw.identifier, dataset)).voxels
            return Volume(
                shape: Array(volume.shape.dropFirst()), elements: volume.elements.map { UInt16(max(0, min(65535, $0))) }
            )
        }
        let evaluator = Evaluator(classes: EvaluationClass.all(of: dataset), surfaceTolerance: nil)
        let rows = try shown.map { raw in
            let image = try reader.readImages([raw.images[channel]])
            let prediction = try labels(predictions, raw)
            let truth = try references.map { try labels($0, raw) }
            var caption = ""
            if let truth {
                let metrics = try evaluator.metrics(
                    reference: truth.map { Float($0) }, prediction: prediction.map { Float($0) },
                    spacing: image.spacing, name: raw.identifier)
                caption =
                    "Dice "
                    + metrics.map { $0.dice.isFinite ? Progress.hundredths($0.dice) : "-" }.joined(separator: ", ")
            }
            return OverlayFigure.Row(
                title: raw.identifier, note: caption,
                image: Volume(
                    shape: Array(image.voxels.shape.suffix(3)),
                    elements: Array(image.voxels.elements.prefix(image.voxels.shape.suffix(3).reduce(1, *)))),
                truth: truth, prediction: prediction, spacing: image.spacing, flipped: image.flippedForViewing)
        }
        let figure = OverlayFigure(
            title: title, rows: rows,
            labels: dataset.labels.filter { $0.values != [0] }.map { ($0.values[0], $0.name) })
        let target = URL(filePath: output)
        try figure.write(to: target)
        print(target.path)
    }

    private func file(_ folder: String, _ identifier: String, _ dataset: DatasetDescription) -> URL {
        URL(filePath: folder, directoryHint: .isDirectory).appending(path: identifier + dataset.fileEnding)
    }
}

extension Progress {
    /// 0.87
    static func hundredths(_ value: Double) -> String {
        let scaled = Int((value * 100).rounded())
        return "\(scaled / 100).\(scaled % 100 < 10 ? "0" : "")\(scaled % 100)"
    }
}
