import ArgumentParser
import Federation

struct AggregationOptions: ParsableArguments {
    @Option(help: "Sites whose updates lie in memory.") var sites = 10
    @Option(help: "Measurements of which the median is shown.") var runs = 7
    @Flag(help: "One JSON object.") var json = false

    func validate() throws {
        if sites < 1 || runs < 1 { throw ValidationError("There must be a site and a run at least.") }
    }

    /// Measures the floor and the aggregation in turn, then the check of all updates.
    func measure(_ aggregator: some Aggregator) throws {
        let updates = try Updates(sites)
        var (floor, times, checks): ([Double], [Double], [Double]) = ([], [], [])
        let check = UpdateCheck(updates.plan)
        var memory = 0.0
        for _ in 0...runs {
            floor.append(updates.readingSeconds())
            let before = Memory.now
            Memory.forgetPeak()
            var result = Weights()
            times.append(
                try seconds {
                    result = try aggregator.combine(updates.contributions, plan: updates.plan, global: updates.global)
                })
            memory = max(memory, Memory.peak - before)
            precondition(result.tensors.count == updates.global.tensors.count)
            checks.append(
                try seconds {
                    for (index, weights) in updates.weights.enumerated() {
                        let site = updates.contributions[index].site.name
                        try check.check(ModelUpdate(.weights, weights, examples: 1, steps: 1), from: site)
                    }
                })
        }
        let gigabytes = Double(updates.byteCount) / 1e9
        var figures = Figures()
        // The first of each warms up.
        let (reading, time) = (median(Array(floor.dropFirst())), median(Array(times.dropFirst())))
        figures.add("seconds", time)
        figures.add("floor seconds", reading)
        figures.add("times the floor", time / reading)
        figures.add("check seconds", median(Array(checks.dropFirst())))
        figures.add("GB per second", gigabytes / time)
        figures.add("floor GB per second", gigabytes / reading)
        figures.add("fastest seconds", times.dropFirst().min()!)
        figures.add("fastest floor seconds", floor.dropFirst().min()!)
        figures.add("peak MB beside the updates", memory)
        figures.add("model MB", Double(updates.global.byteCount) / 1e6)
        figures.show(json: json)
    }
}

/// The mean, weighed by examples: FedAvg.
struct Mean: ParsableCommand {
    @OptionGroup var options: AggregationOptions
    func run() throws { try options.measure(WeightedMean()) }
}

/// The median of every number.
struct Median: ParsableCommand {
    @OptionGroup var options: AggregationOptions
    func run() throws { try options.measure(RobustMean.coordinateMedian) }
}

/// The mean of every number without the lowest and highest.
struct Trimmed: ParsableCommand {
    @OptionGroup var options: AggregationOptions
    @Option(help: "Left out at each end.") var share = 0.2
    func run() throws { try options.measure(RobustMean.trimmed(share: share)) }
}

/// The updates nearest to their neighbours.
struct KrumCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "krum")
    @OptionGroup var options: AggregationOptions
    @Option var faulty = 2
    @Option var chosen = 1
    func run() throws { try options.measure(Krum(faulty: faulty, chosen: chosen)) }
}

/// One step of every server optimizer over the same model.
struct ServerOptimizers: ParsableCommand {
    @OptionGroup var options: AggregationOptions

    func run() throws {
        let tensors = nnUNetTensors()
        let (global, aggregated) = (randomWeights(tensors, seed: 0), randomWeights(tensors, seed: 1))
        var figures = Figures()
        let optimizers: [(String, ServerOptimizer)] = [
            ("momentum", .momentum()), ("adam", .adam()), ("yogi", .yogi()), ("adagrad", .adagrad()),
        ]
        for (name, optimizer) in optimizers {
            var state = ServerOptimizer.State()
            let times = try (0...options.runs).map { _ in
                try seconds { _ = try optimizer.step(global, towards: aggregated, state: &state) }
            }
            figures.add("\(name) seconds", median(Array(times.dropFirst())))
        }
        figures.show(json: options.json)
    }
}
