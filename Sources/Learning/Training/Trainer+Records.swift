import Federation
import Torch

/// Training on records by DP-SGD: what any one of them changes is bounded.
extension Trainer {
    /// The steps of one epoch. Returns the mean loss of the records that took part, which is not noised; NaN where none did.
    func train(
        on source: some RecordSource, privacy: any GradientPrivacy, _ willStep: (TrainingProgress) throws -> Void
    ) throws -> Double {
        let count = settings.iterationsPerEpoch
        let gradient = try recordStep(privacy)
        var losses: [Double] = []
        for iteration in 0..<count {
            try willStep(TrainingProgress(epoch: epoch, phase: .training, done: iteration, count: count))
            guard bookedSteps > 0 else {
                throw LearningError.notSupported(
                    what: "a step of DP-SGD that was not booked", remedy: "book a round's steps before its training")
            }
            bookedSteps -= 1
            let outcome = try step(gradient, on: source, number: epoch * count + iteration)
            losses += outcome.losses
            recordsLeftOut += outcome.leftOut
        }
        return losses.isEmpty ? .nan : losses.reduce(0, +) / Double(losses.count)
    }

    /// What makes the gradients, for the parameters that are trained at present.
    package func recordStep(_ privacy: any GradientPrivacy) throws -> DPSGDStep {
        let names = network.parameterNames(outputs: supervision.outputs).filter { !federatedStep.frozen.contains($0) }
        return try DPSGDStep(
            names.compactMap { network.parameters[$0] }, privacy: privacy,
            lossScales: precision == .float16 ? [65536, 2048, 64, 1] : [1])
    }

    /// One step. The gradient is not clipped again, and FedProx pulls after the noise.
    @discardableResult
    package func step(_ gradient: DPSGDStep, on source: some RecordSource, number: Int) throws -> DPSGDStep.Outcome {
        for parameter in network.parameters.parameters { parameter.clearGradient() }
        var last: (record: Int, patches: TrainingBatch)?
        let outcome = try gradient.gradient(
            records: source.records.count, willTake: { source.prepare($0, step: number) }
        ) { record in
            let patches =
                try last.flatMap { $0.record == record ? $0.patches : nil }
                ?? source.patches(of: record, step: number)
            last = (record, patches)
            return try loss(of: patches).loss
        }
        try federatedStep.adjust(network.parameters)
        try optimizer.step()
        return outcome
    }

    /// Refuses a network that mixes samples.
    func requireIndependentSamples() throws {
        let architecture = network.architecture
        var shape = [Int](repeating: 1, count: architecture.dimensions)
        for stride in architecture.strides { shape = zip(shape, stride).map(*) }
        // An instance norm needs two voxels.
        shape[shape.count - 1] *= 2
        try SampleIndependence.require(shape: [network.inputChannels] + shape, on: device) { try network($0)[0] }
    }
}
