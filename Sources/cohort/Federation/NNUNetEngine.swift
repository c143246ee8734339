import Federation
import Imaging
import Learning
import NNUNet
import Study
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The engine behind a simulation: nnU-Net's learner and predictor.
struct NNUNetEngine: StudyEngine {
    func gpuCount() throws -> Int { (try? Device.cudaCount()) ?? 0 }

    func learner(_ site: StudySite) throws -> any Learner {
        var own = NNUNetSite(dataset: site.dataset, folders: site.folders, modality: site.modality.description)
        own.configuration = site.plan.configuration
        own.plansName = site.plan.resolvedPlansName
        own.fold = site.fold
        own.settings = try settings(site)
        // Whether it is there is asked when tensors are needed.
        own.device = try site.device.map { try Device($0) } ?? .cpu
        own.smallestNumberOfCases = max(1, site.minimumCases)
        own.targetSpacing = site.targetSpacing
        own.threads = site.threads
        own.publicExamples = site.statedExamples
        own.blockedFields = site.blockedFields
        if let records = site.records {
            own.recordOfCase = records.recordOfCase
            own.patchesPerRecord = records.patchesPerRecord
            own.sendsTrainingMetrics = records.tellsLoss
        }
        // The site's own log says everything; people see a line per round.
        let log = SiteLog(site.folders.results.appending(path: "site.log"))
        return NNUNetLearner(own, privacy: site.records?.privacy, log: { log.write($0) })
    }

    func check(_ training: RunFile.Training) throws { _ = try settings(training) }

    func mirroringAxes(_ training: RunFile.Training, dimensions: Int) -> [Int]? {
        (try? settings(training))?.mirroring.axes(dimensions: dimensions)
    }

    private func settings(_ site: StudySite) throws -> TrainingSettings {
        var settings = try settings(site.training)
        settings.threads = site.threads
        settings.loaderThreads = site.loaderThreads
        settings.seed = site.seed
        settings.validatesEveryEpoch = site.validatesEveryEpoch
        return settings
    }

    private func settings(_ training: RunFile.Training) throws -> TrainingSettings {
        var settings = try TrainingSettings(trainerName: training.trainer)
        settings.iterationsPerEpoch = training.iterationsPerEpoch
        settings.validationIterationsPerEpoch = training.validationIterationsPerEpoch
        settings.batchSize = training.batchSize
        settings.initialLearningRate = training.initialLearningRate ?? settings.initialLearningRate
        settings.weightDecay = training.weightDecay ?? settings.weightDecay
        settings.oversampleForeground = training.oversampleForeground ?? settings.oversampleForeground
        settings.precision = training.precision.flatMap { TrainingSettings.Precision(rawValue: $0.rawValue) }
        try settings.validate()
        return settings
    }

    func predict(_ order: PredictionOrder) async throws {
        let prediction = try FolderPrediction(
            ModelFolder(order.model), configuration: order.configuration, folds: [order.fold],
            checkpoint: order.checkpoint, images: order.images, output: order.output)
        var settings = PredictionSettings()
        settings.mirroring = order.mirroring
        try await prediction.run(settings, device: resolvedDevice(order.device))
    }
}
