import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Cohort's tasks as Flower's messages. What a Python app looks for stands where it looks: tensors in `arrays`, settings in
/// `config` with `server-round`, FedProx's μ as `proximal-mu`. Everything else has names that begin with `cohort-`.
extension SiteTask {
    /// - Parameter packs: all float32 tensors go as one array.
    func message(packs: Bool = false) throws -> (type: String, content: RecordDict) {
        var config = ConfigRecord()
        var content = RecordDict()
        var type: String
        switch self {
        case .answer(let question):
            type = "query.answer"
            if case .filter(let name) = question.addressee { config["cohort-filter"] = .string(name) }
            config["server-round"] = .int(Int64(question.round))
            config["cohort-step"] = .int(Int64(question.step))
            config["cohort-payload"] = .bytes([UInt8](question.payload))
        case .describe: type = "query.describe"
        case .initialWeights(let names):
            type = "query.initial_weights"
            config["cohort-names"] = .strings(names)
        case .train(let task):
            type = "train"
            try content.set(task.model, packs: packs)
            config["server-round"] = .int(Int64(task.round))
            config["cohort-rounds"] = .int(Int64(task.rounds))
            config["cohort-warm-up-rounds"] = .int(Int64(task.warmUpRounds))
            config["cohort-local-epochs"] = .int(Int64(task.localEpochs))
            config["cohort-content"] = .string(task.content.rawValue)
            config["proximal-mu"] = .double(task.proximalTerm)
            config["cohort-frozen"] = .strings(task.frozen)
            if let session = task.session { config["cohort-session"] = .bytes([UInt8](session)) }
        case .validate(let task):
            type = "evaluate"
            try content.set(task.model, packs: packs)
            config["server-round"] = .int(Int64(task.round))
            switch task.owner {
            case .server: break
            case .serverBest: config["cohort-best"] = .bool(true)
            case .modality(let name): config["cohort-modality"] = .string(name)
            case .site(let name): config["cohort-owner"] = .string(name)
            }
        case .sendModel: type = "query.model"
        case .finish(let model):
            type = "query.finish"
            try content.set(model, packs: packs)
        }
        if !config.items.isEmpty { content["config"] = .config(config) }
        return (type, content)
    }

    /// - Parameter rounds: of a run whose server does not say how many there are.
    /// - Throws: `FleetError.record` where it is no task.
    /// Rounds, and local epochs of a round: what is multiplied with them stays a number.
    private static let most = 1_000_000

    init(type: String, content: RecordDict, rounds: Int? = nil) throws {
        let config = content.config("config") ?? ConfigRecord()
        switch type {
        case "query.answer":
            let addressee = try config.string("cohort-filter").map(Question.Addressee.filter) ?? .learner
            self = .answer(
                Question(
                    to: addressee, round: try config.int("server-round") ?? 0, step: try config.int("cohort-step") ?? 0,
                    try config.payload()))
        case "query.describe": self = .describe
        case "query.initial_weights": self = .initialWeights(try config.strings("cohort-names"))
        case "train":
            let round = try config.int("server-round") ?? 1
            guard let rounds = try config.int("cohort-rounds") ?? rounds else {
                throw FleetError.record("the server does not say how many rounds there are: give --rounds")
            }
            let word = try config.string("cohort-content") ?? ModelUpdate.Content.weights.rawValue
            guard let kind = ModelUpdate.Content(rawValue: word) else {
                throw FleetError.record("an update of \(word) is unknown here")
            }
            let mu = try config.double("proximal-mu") ?? 0
            let localEpochs = try config.int("cohort-local-epochs") ?? 1
            let warmUpRounds = try config.int("cohort-warm-up-rounds") ?? 0
            guard (1...Self.most).contains(rounds), (1...Self.most).contains(localEpochs),
                (0...Self.most).contains(warmUpRounds), round <= rounds, round > -warmUpRounds, mu >= 0, mu.isFinite
            else {
                throw FleetError.record(
                    "round \(round) of \(rounds), after \(warmUpRounds) of warm-up, with \(localEpochs) local epochs makes no sense"
                )
            }
            self = .train(
                TrainTask(
                    round: round, rounds: rounds, warmUpRounds: warmUpRounds, localEpochs: localEpochs,
                    model: try content.tensors().weights(), content: kind, proximalTerm: mu,
                    frozen: config["cohort-frozen"] == nil ? [] : try config.strings("cohort-frozen"),
                    session: try config.bytes("cohort-session").map { Data($0) }))
        case "evaluate":
            var owner = ValidationTask.Owner.server
            if config["cohort-best"] == .bool(true) { owner = .serverBest }
            if let name = try config.string("cohort-modality") { owner = .modality(name) }
            if let name = try config.string("cohort-owner") { owner = .site(name) }
            self = .validate(
                ValidationTask(
                    round: try config.int("server-round") ?? 1, model: try content.tensors().weights(), owner: owner))
        case "query.model": self = .sendModel
        case "query.finish": self = .finish(try content.tensors().weights())
        default: throw FleetError.record("a message of type \(type.prefix(64)) is no task here")
        }
    }
}
