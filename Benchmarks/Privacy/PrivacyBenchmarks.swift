import ArgumentParser

/// Measures what privacy costs; `scripts/compare/ckks.py` runs it beside TenSEAL and NVFlare.
@main
struct PrivacyBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy-benchmarks", abstract: "Speed and sizes of secure sums.",
        subcommands: [Transform.self, CKKSCommand.self])
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func seconds(_ body: () throws -> Void) rethrows -> Double { try ContinuousClock().measure(body) / .seconds(1) }
