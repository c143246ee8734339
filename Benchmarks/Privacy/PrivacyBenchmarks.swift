import ArgumentParser
import Foundation

/// Measures what privacy costs; `scripts/compare/secure_sums.py` runs it beside TenSEAL and NVFlare.
@main
struct PrivacyBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy-benchmarks", abstract: "Speed and sizes of secure sums.",
        subcommands: [Transform.self, Primes.self, SumsCommand.self, CKKSCommand.self, Threshold.self])
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// Of the processor, all threads together: others on the machine count little.
func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = processorSeconds()
    try body()
    return processorSeconds() - start
}
