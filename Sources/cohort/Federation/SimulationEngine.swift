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
struct SimulationEngine: SimulationTools {
    func gpuCount() throws -> Int { (try? Device.cudaCount()) ?? 0 }

    func learner(_ site: SimulatedSite) throws -> any Learner {
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
        own.seed = site.training.seed
        // The site's own log says everything; people see a line per round.
        let log = SiteLog(site.folders.results.appending(path: "site.log"))
        return NNUNetLearner(own, log: { log.write($0) })
    }

    func check(_ training: RunFile.Training) throws { _ = try settings(training) }

    func mirroringAxes(_ training: RunFile.Training, dimensions: Int) -> [Int]? {
        (try? settings(training))?.mirroring.axes(dimensions: dimensions)
    }

    private func settings(_ site: SimulatedSite) throws -> TrainingSettings {
        var settings = try settings(site.training)
        settings.threads = site.threads
        settings.loaderThreads = 1
        settings.seed = site.seed
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

    func predict(
        images: URL, output: URL, model: URL, configuration name: String, fold: Fold, checkpoint: String,
        device: String?
    ) async throws {
        let folder = ModelFolder(model)
        let (plans, dataset) = (try folder.plans, try folder.dataset)
        let configuration = try plans.configuration(name)
        let prediction = try PredictionModel(
            folder, configuration: configuration, dataset: dataset, folds: [fold], checkpoint: checkpoint)
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        let cases = try ImageFolderCases(
            input: images, output: output, plans: plans, configuration: configuration, dataset: dataset)
        let predictor = try await Predictor(
            model: prediction, settings: PredictionSettings(), device: resolvedDevice(device))
        try await predictor.predict(cases)
    }
}
