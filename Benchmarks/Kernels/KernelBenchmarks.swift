import ArgumentParser
import Learning
import NNUNet
import Torch

/// Measures single kernels of Cohort; `against_nnunet.py` runs it beside nnU-Net's own.
@main
struct KernelBenchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernel-benchmarks", abstract: "Speed of single kernels.",
        subcommands: [TrainingStep.self, Augmentation.self])
}

/// The seconds of one optimizer step of the network that nnU-Net plans for the Decathlon's hippocampus.
struct TrainingStep: ParsableCommand {
    @Option(help: "fp32 or bf16.") var precision = "fp32"
    @Option var batchSize = 9
    @Option var steps = 6
    @Option var threads = 4
    @Flag var channelsLast = false

    func run() throws {
        try setThreads(threads)
        let architecture = NetworkArchitecture(
            kind: .plainConvUNet, dimensions: 3, featuresPerStage: [32, 64, 128, 256],
            kernelSizes: Array(repeating: [3, 3, 3], count: 4),
            strides: [[1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2]], blocksPerStage: [2, 2, 2, 2],
            convolutionsPerDecoderStage: [2, 2, 2])
        let network = try UNet(architecture, inputChannels: 1, outputChannels: 3)
        let supervision = DeepSupervision(strides: architecture.strides)
        let loss = SegmentationLoss(batchDice: false)
        let parameters = network.parameters.parameters
        let optimizer = SGD(parameters, learningRate: 1e-2, momentum: 0.99, weightDecay: 3e-5, nesterov: true)
        var input = try call("aten::randn", "", .ints([batchSize, 1, 40, 56, 40]))
        if channelsLast { input = try input.channelsLast() }
        let targets = try supervision.scales.map { scale in
            try call(
                "aten::randint", "", .int(3),
                .ints([batchSize, 1] + zip([40, 56, 40], scale).map { Int(Double($0) * $1) }))
        }
        var times: [Double] = []
        for step in 0..<steps {
            let clock = ContinuousClock()
            let time = try clock.measure {
                for parameter in parameters { parameter.clearGradient() }
                let value = try autocast(precision == "bf16" ? .bfloat16 : nil, on: .cpu) {
                    try supervision(loss, network(input, outputs: supervision.outputs), targets)
                }
                try value.backward()
                try clipGradientNorm(parameters, to: 12)
                try optimizer.step()
                if step == steps - 1 { print("loss", try value.item()) }
            }
            times.append(time / .seconds(1))
        }
        print("seconds:", times.map { ($0 * 1000).rounded() / 1000 })
    }
}
