import Imaging
import NNUNet
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder of images that a trained model segments into another folder.
public struct FolderPrediction: Sendable {
    public let cases: ImageFolderCases
    public let model: PredictionModel
    public let plans: Plans
    public let dataset: DatasetDescription
    private let output: URL

    /// Reads the model and looks at the names of the images; nothing is written yet.
    ///
    /// - Parameters:
    ///   - folds: nil for all numbered folds that have the checkpoint.
    ///   - skipsExisting, part: as ``ImageFolderCases`` takes them.
    /// - Throws: where the folder holds no usable model, the configuration continues another one (a cascade), or images
    ///   do not fit the model.
    public init(
        _ folder: ModelFolder, configuration name: String, folds: [Fold]? = nil,
        checkpoint: String = "checkpoint_final.pth", images: URL, output: URL, savesProbabilities: Bool = false,
        skipsExisting: Bool = false, part: (index: Int, count: Int) = (0, 1)
    ) throws {
        do { plans = try folder.plans } catch {
            throw NNUNetError.file(folder.url.path, reason: "holds no usable model: \(error)")
        }
        dataset = try folder.dataset
        let configuration = try plans.configuration(name)
        guard configuration.previousStage == nil else {
            throw NNUNetError.plan(
                "\(configuration.name) continues \(configuration.previousStage!): cascades cannot predict yet.")
        }
        cases = try ImageFolderCases(
            input: images, output: output, plans: plans, configuration: configuration, dataset: dataset,
            savesProbabilities: savesProbabilities, skipsExisting: skipsExisting, part: part)
        model = try PredictionModel(
            folder, configuration: configuration, dataset: dataset, folds: folds, checkpoint: checkpoint)
        self.output = output
    }

    /// Makes the folder and writes a segmentation for every image.
    ///
    /// - Parameter didExport: called with the case's index when it is written.
    public func run(
        _ settings: PredictionSettings, device: Device, didExport: @Sendable (Int) -> Void = { _ in }
    ) async throws {
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        let predictor = try await Predictor(model: model, settings: settings, device: device)
        try await predictor.predict(cases, didExport: didExport)
    }
}
