import Federation
import Foundation
import Privacy

/// Applies one of our filters to a file of tensors, for comparison with other programs and for timing.
///
///     privacy-peer FILTER SETTINGS INPUT OUTPUT [RUNS]
///
/// SETTINGS is a JSON object with FLARE's names of the arguments (and `form`, `steps`); INPUT and OUTPUT are safetensors files. A
/// line of JSON tells the fastest of RUNS: seconds at the site, seconds at the server, bytes in between.
@main struct PrivacyPeer {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard (4...5).contains(arguments.count) else {
            print("usage: privacy-peer FILTER SETTINGS INPUT OUTPUT [RUNS]")
            exit(64)
        }
        let words = Array(arguments)
        let settings = try JSONDecoder().decode(PeerSettings.self, from: Data(words[1].utf8))
        let filter = try settings.filter(words[0])
        let input = try WeightsFile(URL(fileURLWithPath: words[2])).weights()
        let update = ModelUpdate(.difference, input, examples: 1, steps: settings.steps ?? 1)
        let context = FilterContext(round: 1, site: "peer")
        let clock = ContinuousClock()
        var best = (site: Duration.seconds(1e9), server: Duration.seconds(1e9))
        var result = Weights()
        var bytes = 0
        for _ in 0..<(words.count > 4 ? Int(words[4]) ?? 1 : 1) {
            var start = clock.now
            let sent = try await filter.atSite(update, context)
            best.site = min(best.site, clock.now - start)
            bytes = sent.tensors.byteCount
            start = clock.now
            result = try await filter.atServer(sent, context).tensors.weights()
            best.server = min(best.server, clock.now - start)
        }
        try WeightsFile.write(result, to: URL(fileURLWithPath: words[3]))
        print(
            #"{"seconds": \#(best.site / .seconds(1)), "server_seconds": \#(best.server / .seconds(1)), "bytes": \#(bytes)}"#
        )
    }
}
