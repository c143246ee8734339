import ArgumentParser
import Foundation
import Privacy

/// Sums of several sites' values under CKKS, each step by itself on one core.
struct CKKSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ckks")

    enum Form: String, ExpressibleByArgument, CaseIterable { case flare, additive }

    @Option(help: "flare: NVFlare's parameters; additive: one prime, for sums alone.") var form = Form.flare
    @Option(help: "How often everything is done; the median of each step's seconds is shown.") var runs = 3
    @Option(help: "A file for the weighted mean, as float32; and one for what a multiplication at the server gives.")
    var output: String?
    @OptionGroup var input: UpdatesInput

    func run() throws {
        let updates = try input.updates()
        let context = try CKKSContext(form == .flare ? .flare : .additive)
        let key = try CKKSKey(bytes: CKKSKey.randomBytes(), context: context)
        var times: [String: [Double]] = [:]
        var sizes: [String: Int] = [:]
        func time<Result>(_ step: String, _ body: () throws -> Result) rethrows -> Result {
            var result: Result?
            times[step, default: []].append(try seconds { result = try body() })
            return result!
        }
        var worst = 0.0
        for _ in 0..<runs {
            var sum: CKKSVector?
            for (index, update) in updates.enumerated() {
                let vector = try update.withUnsafeBufferPointer { values in
                    try time("encrypt") {
                        try context.encrypt(
                            values, weight: Double(index + 1), key: key, site: "site \(index)", occasion: "round 1")
                    }
                }
                let bytes = try time("write") { try vector.bytes() }
                sizes["upload"] = bytes.count
                let arrived = try time("read") { try CKKSVector(bytes: bytes) }
                if sum == nil { sum = arrived } else { try time("add") { try sum!.add(arrived) } }
            }
            let down = try time("write sum") { try sum!.bytes() }
            sizes["download"] = down.count
            let mean = try time("decrypt") {
                try context.decrypt(CKKSVector(bytes: down), key: key, occasion: "round 1")
            }
            let weight = Double(updates.count * (updates.count + 1) / 2)
            for i in mean.indices {
                var plain = 0.0
                for (index, update) in updates.enumerated() { plain += Double(index + 1) * Double(update[i]) }
                worst = max(worst, abs(plain / weight - Double(mean[i])))
            }
            if let output { try mean.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: output)) } }
            if form == .flare {
                let product = try time("multiply") { try context.multiply(sum!, by: 1 / weight) }
                sizes["download after multiplication"] = try product.bytes().count
                let opened = try time("decrypt product") { try context.decryptUnverified(product, key: key) }
                if let output {
                    try opened.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: output + ".product")) }
                }
            }
        }
        let lines =
            times.mapValues { median($0) }.map { "\"\($0) seconds\": \($1)" }
            + sizes.map { "\"\($0) bytes\": \($1)" } + ["\"largest error\": \(worst)"]
        print("{" + lines.sorted().joined(separator: ", ") + "}")
    }
}
