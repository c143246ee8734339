import ArgumentParser
import Privacy

struct EpsilonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "epsilon", abstract: "The ε of steps of DP-SGD, by each accountant.",
        discussion: """
            For noise on updates of whole sites the sampling rate is 1, and a step is a round.

            EXAMPLE
              cohort privacy epsilon --sampling-rate 0.01 --noise-multiplier 1.1 --steps 10000 --delta 1e-5
            """)

    @Option(help: "With which a record takes part in a step: the expected batch over the records.")
    var samplingRate: Double
    @Option(help: "σ, in multiples of the clipping norm.") var noiseMultiplier: Double
    @Option(help: "Of all rounds together.") var steps: Int
    @Option(help: "Well below one over the records.") var delta: Double

    func run() throws {
        print(
            try EpsilonReport(
                samplingRate: samplingRate, noiseMultiplier: noiseMultiplier, steps: steps, delta: delta))
    }
}
