import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension PredictionModel {
    /// A model of nnU-Net's results, its own or Cohort's, with the checkpoints of some folds.
    ///
    /// - Parameter folds: nil for all numbered folds that have the checkpoint.
    public init(
        _ folder: ModelFolder, configuration: PlansConfiguration, dataset: DatasetDescription, folds: [Fold]?,
        checkpoint name: String
    ) throws {
        let heads = SegmentationHeads(LabelManager(dataset))
        var weights: [Weights] = []
        var mirrorAxes: [Int]?
        for fold in try folds ?? folder.folds(withCheckpoint: name) {
            let url = folder.checkpoint(fold, named: name)
            guard FileManager.default.fileExists(atPath: url.path) else {
                throw LearningError.noCheckpoint(folder: folder.fold(fold).path, wanted: name)
            }
            let checkpoint = try NNUNetCheckpoint(contentsOf: url)
            weights.append(try Weights(checkpoint, file: url.path))
            mirrorAxes = checkpoint.mirroringAxes
        }
        self.init(
            architecture: configuration.architecture, inputChannels: dataset.channelNames.count, heads: heads,
            patchSize: configuration.patchSize, mirrorAxes: mirrorAxes, folds: weights)
    }
}
