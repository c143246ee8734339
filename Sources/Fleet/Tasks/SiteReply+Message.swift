import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What sites answer, as Flower's messages: tensors in `arrays`, figures in `metrics` with `num-examples`.
extension SiteReply {
    func content(packs: Bool = false) throws -> RecordDict {
        var content = RecordDict()
        switch self {
        case .answer(let data): content["config"] = .config(["cohort-payload": .bytes([UInt8](data))])
        case .description(let description):
            let json = try JSONEncoder().encode(description)
            content["config"] = .config(["cohort-payload": .bytes([UInt8](json))])
        case .weights(let weights): try content.set(weights, packs: packs)
        case .update(let update):
            try content.set(update.tensors, packs: packs)
            content["metrics"] = .metrics(MetricRecord(update.metrics, examples: update.examples))
            // Not among the metrics: Flower's strategies take only replies whose metrics have the same names.
            var config: ConfigRecord = ["cohort-steps": .int(Int64(update.steps))]
            if update.content != .weights { config["cohort-content"] = .string(update.content.rawValue) }
            content["config"] = .config(config)
        case .validation(let result):
            content["metrics"] = .metrics(MetricRecord(result.metrics, examples: result.examples))
        case .done: break
        }
        return content
    }

    /// - Parameter type: of the message that this replies to.
    /// - Throws: `FleetError.record` where it is no reply to it.
    init(toMessageOfType type: String, content: RecordDict) throws {
        let config = content.config("config") ?? ConfigRecord()
        switch type {
        case "query.answer": self = .answer(try config.payload())
        case "query.describe":
            guard let description = try? JSONDecoder().decode(SiteDescription.self, from: config.payload()) else {
                throw FleetError.record("the site's description cannot be read; is it of another version?")
            }
            self = .description(description)
        case "query.initial_weights", "query.model": self = .weights(try content.tensors().weights())
        case "train":
            let word = try config.string("cohort-content") ?? ModelUpdate.Content.weights.rawValue
            guard let kind = ModelUpdate.Content(rawValue: word) else {
                throw FleetError.record("an update of \(word.prefix(64)) is unknown here")
            }
            let steps = try config.int("cohort-steps") ?? 0
            guard steps >= 0 else { throw FleetError.record("cohort-steps is \(steps)") }
            let (metrics, examples) = try content.figures()
            self = .update(
                ModelUpdate(kind, try content.tensors(), examples: examples, steps: steps, metrics: metrics))
        case "evaluate":
            let (metrics, examples) = try content.figures()
            self = .validation(ValidationResult(examples: examples, metrics: metrics))
        case "query.finish": self = .done
        default: throw FleetError.record("a message of type \(type.prefix(64)) has no reply here")
        }
    }
}

extension MetricRecord {
    fileprivate init(_ metrics: Metrics, examples: Int) {
        self.init()
        self["num-examples"] = .int(Int64(examples))
        for (name, value) in metrics.sorted(by: { $0.key < $1.key }) { self[name] = .double(value) }
    }
}

extension OrderedValues where Value == Record {
    /// Figures and examples. A Python app names its metric record as it likes: there is one.
    fileprivate func figures() throws -> (metrics: Metrics, examples: Int) {
        let records = items.compactMap { if case .metrics(let record) = $0.value { record } else { nil } }
        guard records.count == 1 else { throw FleetError.record("a reply has \(records.count) records of metrics") }
        var metrics: Metrics = [:]
        var examples = 0
        for (name, value) in records[0].items {
            guard let number = value.number else { continue }
            switch name {
            case "num-examples": examples = try Self.count(number, name)
            default: metrics[name] = number
            }
        }
        return (metrics, examples)
    }

    private static func count(_ number: Double, _ name: String) throws -> Int {
        guard number >= 0, number < 1e15, number == number.rounded() else {
            throw FleetError.record("\(name) is \(number)")
        }
        return Int(number)
    }
}
