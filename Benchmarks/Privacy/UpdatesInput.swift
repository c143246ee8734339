import ArgumentParser
import Foundation
import Privacy

/// What the sites of a measured sum send: files, or random values.
struct UpdatesInput: ParsableArguments {
    @Option(help: "Values of each site, where no files are given.") var values = 4_702_227
    @Option(help: "Sites, where no files are given.") var sites = 4
    @Argument(help: "Files of float32, one for each site; site i weighs i.") var files: [String] = []

    func updates() throws -> [[Float]] {
        try files.isEmpty
            ? (0..<sites).map { site in
                var random = KeyStream(seed: UInt64(site))
                return (0..<values).map { _ in Float.random(in: -0.05...0.05, using: &random) }
            }
            : files.map { name in
                let data = try Data(contentsOf: URL(fileURLWithPath: name))
                return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            }
    }
}
