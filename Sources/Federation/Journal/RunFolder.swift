#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a run keeps what it must not lose: its journal, the last two global models, and the best.
public final class RunFolder {
    public let url: URL
    public let journal: Journal

    /// Whether models that are on the disk are left there, and read from it where they are needed.
    private let leavesModelsOnDisk: Bool

    /// - Parameter leavesModelsOnDisk: the models of a run take no memory, where other processes are sent them; sites in
    ///   this process share one in memory.
    public init(_ url: URL, leavesModelsOnDisk: Bool = false) throws {
        self.leavesModelsOnDisk = leavesModelsOnDisk
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
        // A crash may have come between the journal and the links.
        for (best, file) in bestFiles where FileManager.default.fileExists(atPath: url.appending(path: file).path) {
            try link(file, to: best)
        }
    }

    /// The names of the best models, and the files of the rounds that they come from.
    private var bestFiles: [String: String] {
        var files: [String: String] = [:]
        for case .round(let report, let file, _, let modalities) in journal.entries {
            if report.isBest { files[Self.best()] = file }
            for modality in report.bestModalities { files[Self.best(of: modality)] = modalities[modality] }
        }
        return files
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
    public func state(judgement: ModelJudgement) throws -> RunState? {
        var global: String?
        var optimizer: String?
        var ofModality: [String: String] = [:]
        var reports: [RoundReport] = []
        for entry in journal.entries {
            switch entry {
            case .initialised(let name, _): global = name
            case .round(let report, let name, let state, let modalities):
                (global, optimizer) = (name, state)
                ofModality.merge(modalities) { $1 }
                reports.append(report)
            case .begins, .prepared, .ended: break
            }
        }
        guard let global else { return nil }
        var state = RunState(global: try load(global))
        state.reports = reports
        state.ofModality = try ofModality.mapValues(load)
        func best(_ file: String, _ value: (RoundReport) -> Double?) throws -> RunState.Best? {
            guard let found = reports.last(where: { value($0) != nil }), let value = value(found) else { return nil }
            return RunState.Best(round: found.round, value: value, model: try load(file))
        }
        state.best = try best(Self.best()) { $0.isBest ? $0.validation[judgement.metric] : nil }
        for modality in ofModality.keys {
            state.bestOfModality[modality] = try best(Self.best(of: modality)) {
                $0.bestModalities.contains(modality) ? $0.validationOfModality[modality]?[judgement.metric] : nil
            }
        }
        if let optimizer {
            for tensor in try WeightsFile(url.appending(path: optimizer)).weights().tensors {
                let own = tensor.renamed(String(tensor.name.dropFirst(2)))
                if tensor.name.hasPrefix("m/") { state.optimizer.momentum.set(own) }
                if tensor.name.hasPrefix("v/") { state.optimizer.secondMoment.set(own) }
            }
        }
        return state
    }

    public func initialise(_ state: inout RunState, leftOut: [String] = []) throws {
        // No round's name: warm-up has rounds below 1.
        let name = "initial.safetensors"
        try WeightsFile.write(state.global, to: url.appending(path: name))
        try journal.append(.initialised(file: name, leftOut: leftOut))
        if leavesModelsOnDisk { state.global = try load(name) }
    }

    /// Makes a round durable. What is no longer needed goes after that.
    public func finish(_ report: RoundReport, _ state: inout RunState) throws {
        let name = Self.file(round: report.round)
        try WeightsFile.write(state.global, to: url.appending(path: name), over: spare)
        var optimizer: String?
        if !state.optimizer.momentum.tensors.isEmpty {
            optimizer = "optimizer-\(report.round).safetensors"
            try WeightsFile.write(
                Weights(
                    state.optimizer.momentum.tensors.map { $0.renamed("m/" + $0.name) }
                        + state.optimizer.secondMoment.tensors.map { $0.renamed("v/" + $0.name) }),
                to: url.appending(path: optimizer!))
        }
        var ofModality: [String: String] = [:]
        for (modality, weights) in state.ofModality {
            ofModality[modality] = Self.file(round: report.round, of: modality)
            try WeightsFile.write(weights, to: url.appending(path: ofModality[modality]!))
        }
        try journal.append(.round(report, file: name, optimizer: optimizer, ofModality: ofModality))
        if report.isBest { try link(name, to: Self.best()) }
        for modality in report.bestModalities { try link(ofModality[modality]!, to: Self.best(of: modality)) }
        let before = report.round - 2
        spareModel(Self.file(round: before))
        for old in ["optimizer-\(before).safetensors"]
            + ofModality.keys.map({ Self.file(round: before, of: $0) })
        {
            try? FileManager.default.removeItem(at: url.appending(path: old))
        }
        if report.round == report.rounds { try? FileManager.default.removeItem(at: spare) }
        guard leavesModelsOnDisk else { return }
        state.global = try load(name)
        state.ofModality = try ofModality.mapValues(load)
        if report.isBest { state.best?.model = state.global }
        for modality in report.bestModalities {
            state.bestOfModality[modality]?.model = state.ofModality[modality]!
        }
    }

    /// A model that is no longer needed, which the next is written over.
    private var spare: URL { url.appending(path: ".spare.safetensors") }

    private func spareModel(_ name: String) {
        let old = url.appending(path: name)
        // The best model is another name of one that may have to go.
        let links = (try? FileManager.default.attributesOfItem(atPath: old.path))?[.referenceCount] as? Int
        if links == 1, (try? FileManager.default.moveItem(at: old, to: spare)) != nil { return }
        try? FileManager.default.removeItem(at: old)
    }

    private func load(_ name: String) throws -> Weights {
        let file = try WeightsFile(url.appending(path: name))
        return leavesModelsOnDisk ? try file.mapped() : try file.weights()
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

    /// `global-3.safetensors`, `CT-3.safetensors`. A modality is a site's word: nothing but letters and digits get into a
    /// file's name as they are.
    private static func file(round: Int, of modality: String? = nil) -> String {
        "\(modality.map(escaped) ?? "global")-\(round).safetensors"
    }

    private static func best(of modality: String? = nil) -> String {
        modality.map { "best-\(escaped($0)).safetensors" } ?? "best.safetensors"
    }

    private static func escaped(_ modality: String) -> String {
        let bytes = modality.utf8.map { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16)
        }
        return "modality-" + bytes.joined()
    }
}
