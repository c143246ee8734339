import ArgumentParser
import Imaging

/// nnU-Net's `-np`.
struct ProcessOptions: ParsableArguments {
    @Option(name: .customLong("np", withSingleDash: true), help: "Cases at a time (default: the cores).")
    var processes: Int?

    var threads: Int { processes ?? defaultThreads }

    mutating func validate() throws {
        guard processes ?? 1 > 0 else { throw ValidationError("-np must be at least 1.") }
    }
}
