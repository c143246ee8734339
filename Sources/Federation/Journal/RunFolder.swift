#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a run keeps what it must not lose: its journal, the last two global models, and the best.
public final class RunFolder {
    public let url: URL
    public let journal: Journal

    /// Where a run stands.
    public struct State {
        public var global: Weights
        public var optimizer: ServerOptimizer.State
        public var reports: [RoundReport]
        public var best: (round: Int, value: Double)?
    }

    public init(_ url: URL) throws {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw FederationError.file(
                url.path, reason: "the folder cannot be made. Choose another, or free its place.")
        }
        self.url = url
        journal = try Journal(url.appending(path: "journal.jsonl"))
    }

    /// Begins a run, or takes up one that was begun with the same settings.
    public func begin(settings: String) throws {
        guard let first = journal.entries.first else { return try journal.append(.begins(settings: settings)) }
        guard first == .begins(settings: settings) else {
            throw FederationError.resume(
                "\(url.path) holds a run with other settings. Continue it with its own, or choose another folder.")
        }
        // A crash may have come between the journal and the link.
        let best = journal.entries.reversed().lazy.compactMap { entry -> String? in
            if case .round(let report, let file, _) = entry, report.isBest { file } else { nil }
        }.first
        if let best, FileManager.default.fileExists(atPath: url.appending(path: best).path) {
            try link(best, to: "best.safetensors")
        }
    }

    public func isPrepared(_ name: String) -> Bool {
        journal.entries.contains { if case .prepared(name, _) = $0 { true } else { false } }
    }

    /// Sites that a preparation left out; they stay out.
    public var leftOut: Set<String> {
        Set(
            journal.entries.flatMap { entry in
                switch entry {
                case .prepared(_, let sites), .initialised(_, let sites): sites
                case .begins, .round, .ended: [String]()
                }
            })
    }

    public var hasEnded: Bool { journal.entries.last == .ended }

    /// The state after the last whole round; nil before the model was initialised.
    public func state(judgement: ModelJudgement) throws -> State? {
        var file: String?
        var optimizer: String?
        var reports: [RoundReport] = []
        var best: (round: Int, value: Double)?
        for entry in journal.entries {
            switch entry {
            case .initialised(let name, _): file = name
            case .round(let report, let name, let state):
                (file, optimizer) = (name, state)
                reports.append(report)
                if report.isBest, let value = report.validation[judgement.metric] { best = (report.round, value) }
            case .begins, .prepared, .ended: break
            }
        }
        guard let file else { return nil }
        var state = State(
            global: try WeightsFile(url.appending(path: file)).weights(), optimizer: .init(), reports: reports,
            best: best)
        if let optimizer {
            let all = try WeightsFile(url.appending(path: optimizer)).weights()
            for tensor in all.tensors {
                if tensor.name.hasPrefix("m/") {
                    state.optimizer.momentum.set(tensor.renamed(String(tensor.name.dropFirst(2))))
                }
                if tensor.name.hasPrefix("v/") {
                    state.optimizer.secondMoment.set(tensor.renamed(String(tensor.name.dropFirst(2))))
                }
            }
        }
        return state
    }

    public func initialise(_ global: Weights, leftOut: [String] = []) throws {
        // No round's name: warm-up has rounds below 1.
        let name = "initial.safetensors"
        try WeightsFile.write(global, to: url.appending(path: name))
        try journal.append(.initialised(file: name, leftOut: leftOut))
    }

    /// Makes a round durable. What is no longer needed goes after that.
    public func finish(
        _ report: RoundReport, global: Weights, optimizer: ServerOptimizer.State, ofModality: [String: Weights] = [:]
    ) throws {
        let name = Self.file(round: report.round)
        try WeightsFile.write(global, to: url.appending(path: name))
        var state: String?
        if !optimizer.momentum.tensors.isEmpty {
            state = "optimizer-\(report.round).safetensors"
            try WeightsFile.write(
                Weights(
                    optimizer.momentum.tensors.map { $0.renamed("m/" + $0.name) }
                        + optimizer.secondMoment.tensors.map { $0.renamed("v/" + $0.name) }),
                to: url.appending(path: state!))
        }
        for (modality, weights) in ofModality {
            try WeightsFile.write(weights, to: url.appending(path: Self.file(modality: modality)))
        }
        try journal.append(.round(report, file: name, optimizer: state))
        if report.isBest { try link(name, to: "best.safetensors") }
        for old in [Self.file(round: report.round - 2), "optimizer-\(report.round - 2).safetensors"] {
            try? FileManager.default.removeItem(at: url.appending(path: old))
        }
    }

    /// The best global model so far; nil where none was judged.
    public func best() throws -> Weights? {
        let file = url.appending(path: "best.safetensors")
        return FileManager.default.fileExists(atPath: file.path) ? try WeightsFile(file).weights() : nil
    }

    /// The last models of single modalities.
    public func modelsOfModalities() throws -> [String: Weights] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return try files.reduce(into: [:]) { models, file in
            guard file.hasPrefix("modality-"), file.hasSuffix(".safetensors") else { return }
            let modality = String(file.dropFirst("modality-".count).dropLast(".safetensors".count))
            models[modality] = try WeightsFile(url.appending(path: file)).weights()
        }
    }

    public func prepared(_ name: String, leftOut: [String]) throws {
        try journal.append(.prepared(name, leftOut: leftOut))
    }

    /// A second name for a file, in place of what had it.
    private func link(_ name: String, to other: String) throws {
        let files = FileManager.default
        let partial = url.appending(path: "." + other + ".part")
        try? files.removeItem(at: partial)
        do {
            try files.linkItem(at: url.appending(path: name), to: partial)
        } catch {
            try files.copyItem(at: url.appending(path: name), to: partial)
        }
        try DurableFile.rename(partial, to: url.appending(path: other))
    }

    private static func file(modality: String) -> String { "modality-\(modality).safetensors" }

    private static func file(round: Int) -> String { "global-\(round).safetensors" }
}
