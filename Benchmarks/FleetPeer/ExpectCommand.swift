import ArgumentParser
import Federation
import Foundation

/// The one value that every weight of a run must have in the end, and whether a model has it.
struct ExpectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expect", abstract: "Works out a run's exact result, and compares a model with it.")

    @Option(help: "The sites' targets, such as 1,4.") var targets: String
    @Option(help: "Their examples, such as 1,3.") var examples: String
    @Option var rounds: Int
    @Option(help: "A model in safetensors whose every value must be that one.") var model: String?
    @Flag(help: "Its values began varied, as `site --varied` begins them, and not with zeros.") var varied = false

    func run() throws {
        let expected = try Self.value(targets: numbers(targets), examples: numbers(examples), rounds: rounds)
        guard let model else { return Output.line("\(expected)") }
        let weights = try WeightsFile(URL(filePath: model)).weights()
        guard !weights.tensors.isEmpty else { throw ValidationError("\(model) holds no tensors.") }
        if varied { return try expect(weights, halfway: expected) }
        for tensor in weights.tensors {
            guard let values = tensor.floats else { throw ValidationError("\(tensor.name) is not of float32.") }
            if let other = values.first(where: { $0.bitPattern != expected.bitPattern }) {
                Output.error("\(tensor.name) holds \(other) instead of \(expected)")
                throw ExitCode.failure
            }
        }
        Output.line("\(weights.tensors.count) tensors, every value \(expected)")
    }

    /// Every value has come from its beginning by as much of the way as zero has: half of the rest in each round.
    private func expect(_ weights: Weights, halfway: Float) throws {
        let left = Float(pow(0.5, Double(rounds)))
        for tensor in weights.tensors {
            guard tensor.description.type == .float32, tensor.name.hasPrefix("layer"),
                let position = Int(tensor.name.dropFirst(5).prefix { $0.isNumber })
            else { throw ValidationError("\(tensor.name) is no tensor of a site whose bytes were given.") }
            let values = tensor.bytes.assumingMemoryBound(to: Float.self)
            for i in values.indices {
                let expected = halfway + ArithmeticLearner.beginning(position, i) * left
                guard values[i] == expected else {
                    Output.error("value \(i) of \(tensor.name) is \(values[i]) instead of \(expected)")
                    throw ExitCode.failure
                }
            }
        }
        Output.line("\(weights.tensors.count) tensors as they must be")
    }

    private func numbers(_ text: String) throws -> [Double] {
        try text.split(separator: ",").map {
            guard let number = Double($0) else { throw ValidationError("\($0) is no number.") }
            return number
        }
    }

    /// From zeros: the weighted mean of the targets times 1 - 0.5^rounds.
    ///
    /// - Throws: where some step is not exact in float32, so that the order of additions would count.
    static func value(targets: [Double], examples: [Double], rounds: Int) throws -> Float {
        let all = examples.reduce(0, +)
        guard targets.count == examples.count, rounds > 0, examples.allSatisfy({ $0 > 0 && $0 == $0.rounded() }),
            all == 1 || all.significand == 1
        else {
            throw ValidationError(
                "As many targets as examples are needed, and examples that make a power of two: else nothing is exact.")
        }
        func exact(_ value: Double) throws -> Double {
            guard Double(Float(value)) == value else {
                throw ValidationError("\(value) is not exact in float32: take other targets, or fewer rounds.")
            }
            return value
        }
        var value = 0.0
        for _ in 0..<rounds {
            let trained = try targets.map { target in try exact(value + exact(0.5 * exact(target - value))) }
            value = try exact(zip(trained, examples).reduce(0) { $0 + $1.0 * $1.1 } / all)
        }
        let mean = zip(targets, examples).reduce(0) { $0 + $1.0 * $1.1 } / all
        guard value == mean * (1 - pow(0.5, Double(rounds))) else {
            throw ValidationError("The rounds do not add up to the closed form: take fewer.")
        }
        return Float(value)
    }
}
