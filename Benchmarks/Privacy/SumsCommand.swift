import ArgumentParser
import Federation
import Foundation
import Privacy

/// One round of a secure sum over several sites, each part by itself on one core.
struct SumsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sums")

    @Option(help: "masks or lattice.") var form = "masks"
    @Option(help: "How often everything is done; the median of each part's seconds is shown.") var runs = 3
    @Option(help: "A file for the weighted mean, as float32.") var output: String?
    @OptionGroup var input: UpdatesInput

    func validate() throws {
        guard SecureSumSettings.Form(rawValue: form) != nil else {
            throw ValidationError("--form is masks or lattice.")
        }
    }

    func run() async throws {
        let updates = try input.updates()
        let names = updates.indices.map { "site-\($0)" }
        let weights = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Double($0 + 1)) })
        let plan = try SharingPlan(
            sites: names.map {
                SiteDescription(
                    name: $0, examples: 1,
                    tensors: [TensorRole(TensorDescription(name: "w", shape: [updates[0].count]))])
            }, sharing: Sharing())
        var settings = SecureSumSettings()
        settings.form = SecureSumSettings.Form(rawValue: form)!
        var times: [String: [Double]] = [:]
        var (bytes, worst) = (0, 0.0)
        for run in 1...runs {
            let sum = try SecureSum.simulated(settings, run: "measured", sites: names)
            let round = SealedRound(round: run, plan: plan, content: .difference, weights: weights)
            // Of all sites together, as the next: one site has a share.
            try await time("agree, a site", &times, among: names.count) {
                try await exchange(.beforeTraining, sum, round, names)
            }
            var sealed: [String: ModelUpdate] = [:]
            let task = TrainTask(
                round: run, rounds: runs,
                model: Weights([Weights.Tensor("w", updates[0].map { _ in 0 }, shape: [updates[0].count])]),
                content: .difference, session: sum.session(round))
            for (index, (name, values)) in zip(names, updates).enumerated() {
                let update = ModelUpdate(
                    .difference, Weights([Weights.Tensor("w", values, shape: [values.count])]), examples: index + 1,
                    steps: 1)
                // With a digest of the model that the site begins with.
                try await time("seal", &times) {
                    try await sum.admit(task, site: name)
                    let own = try await sum.atSite(update, FilterContext(round: run, site: name))
                    try sum.check(own, from: name, round)
                    sealed[name] = own
                }
            }
            bytes = sealed[names[0]]?.tensors.byteCount ?? 0
            try await time("disclose, a site", &times, among: names.count) {
                try await exchange(.afterTraining, sum, round, names)
            }
            var opened: OpenedUpdate?
            try await time("add and open", &times) { opened = try await sum.open(sealed, round) }
            let mean = try opened?.tensors.weights()["w"]?.floats ?? []
            let total = weights.values.reduce(0, +)
            for i in mean.indices {
                var plain = 0.0
                for (index, update) in updates.enumerated() { plain += Double(index + 1) * Double(update[i]) }
                worst = max(worst, abs(plain / total - Double(mean[i])))
            }
            if let output { try mean.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: output)) } }
        }
        let lines =
            times.mapValues { median($0) }.map { "\"\($0) seconds\": \($1)" }
            + ["\"upload bytes\": \(bytes)", "\"largest error\": \(worst)"]
        print("{" + lines.sorted().joined(separator: ", ") + "}")
    }

    private func time(
        _ part: String, _ times: inout [String: [Double]], among count: Int = 1, _ body: () async throws -> Void
    ) async rethrows {
        let start = processorSeconds()
        try await body()
        times[part, default: []].append((processorSeconds() - start) / Double(count))
    }

    private func exchange(_ moment: FilterMoment, _ sum: SecureSum, _ round: SealedRound, _ sites: [String])
        async throws
    {
        guard var exchange = try sum.exchange(moment, round) else { return }
        var answers: [String: Data] = [:]
        while let questions = try exchange.next(answers, sites: sites) {
            answers = [:]
            for (site, question) in questions { answers[site] = try await sum.answer(question, site: site) }
        }
    }
}
