import ArgumentParser

/// Measures the server's half of a round; `federation.py` runs it beside Flower and NVFlare.
@main
struct FederationBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "federation-benchmarks", abstract: "Speed and memory of aggregation and of whole rounds.",
        subcommands: [Mean.self, Median.self, Trimmed.self, KrumCommand.self, ServerOptimizers.self, Round.self])
}
