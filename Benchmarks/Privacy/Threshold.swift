import ArgumentParser
import Foundation
import Privacy

/// A sum under threshold keys, each step by itself on one core.
struct Threshold: ParsableCommand {
    @Option var values = 4_702_227
    @Option var sites = 4
    @Option(help: "How many sites open together.") var threshold = 3

    func run() throws {
        let scheme = try ThresholdScheme(sites: sites, threshold: threshold, run: "benchmark")
        var figures: [(String, String)] = []
        func time<Result>(_ step: String, _ body: () throws -> Result) rethrows -> Result {
            var result: Result?
            figures.append((step + " seconds", "\(try seconds { result = try body() })"))
            return result!
        }
        let secrets = (0..<sites).map { _ in scheme.makeSecret() }
        let dealt = time("deal") { secrets.map { scheme.deal($0) } }
        let key = try scheme.publicKey(secrets.map(\.publicPart))
        let updates = (1...sites).map { site in
            var random = KeyStream(seed: UInt64(site))
            let largest = ThresholdScheme.largestValue
            return (0..<values).map { _ in Int64.random(in: -largest...largest, using: &random) }
        }
        var sum: ThresholdVector?
        for (index, update) in updates.enumerated() {
            let vector = try update.withUnsafeBufferPointer { numbers in
                try time("encrypt") { try scheme.encrypt(numbers, under: key, site: index + 1) }
            }
            let bytes = time("write") { scheme.bytes(vector) }
            if index == 0 { figures.append(("upload bytes", "\(bytes.count)")) }
            let arrived = try time("read") { try scheme.vector(bytes) }
            if sum == nil { sum = arrived } else { try time("add") { try scheme.add(arrived, to: &sum!) } }
        }
        let question = time("question") { scheme.question(sum!) }
        figures.append(("question bytes", "\(question.count)"))
        let opening = Array(1...threshold)
        var parts: [Int: Data] = [:]
        for site in opening {
            let share = try scheme.share(dealt.map { $0[site - 1] }, site: site)
            parts[site] = try time("part") { try scheme.part(of: question, share: share, opening: opening) }
        }
        let opened = try time("open") { try scheme.open(sum!, parts: parts) }
        let expected = updates.dropFirst().reduce(updates[0]) { zip($0, $1).map(+) }
        precondition(opened == expected, "the sum is another")
        for (name, value) in figures { print(name, value) }
    }
}
