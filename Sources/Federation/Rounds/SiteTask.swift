#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a server asks of a site.
public enum SiteTask: Sendable {
    /// A question of a round before the first, or of a filter.
    case answer(Question)
    /// Who the site is and what its model looks like.
    case describe
    /// Fresh weights, the tensors of these names; for all sites to begin with the same.
    case initialWeights([String])
    case train(TrainTask)
    case validate(ValidationTask)
    /// The site's own model, whole; for the other sites to judge.
    case sendModel
    /// The run is over; the model is the last that the site is sent.
    case finish(Weights)
}

/// What a site answers.
public enum SiteReply: Sendable {
    case answer(Data)
    case description(SiteDescription)
    case weights(Weights)
    case update(ModelUpdate)
    case validation(ValidationResult)
    case done
}

/// A message of an exchange whose content only its two ends know.
public struct Question: Sendable, Equatable, Codable {
    public enum Addressee: Sendable, Equatable, Codable {
        case learner
        /// A filter, by its name.
        case filter(String)
    }

    public var addressee: Addressee
    /// In the numbering of rounds, and which of its questions it is: the same question may come again.
    public var round: Int
    public var step: Int
    public var payload: Data

    public init(to addressee: Addressee = .learner, round: Int = 0, step: Int = 0, _ payload: Data) {
        self.addressee = addressee
        self.round = round
        self.step = step
        self.payload = payload
    }
}

/// A round's training at one site.
public struct TrainTask: Sendable {
    /// 1 is the first round of training; 0 and below are warm-up.
    public var round: Int
    /// Rounds of training in all, without warm-up: the learning rate falls over all rounds times local epochs.
    public var rounds: Int
    public var warmUpRounds: Int
    public var localEpochs: Int
    /// The shared tensors, under the site's own names. The others keep the site's values.
    public var model: Weights
    /// What the update is to hold: these tensors.
    public var content: ModelUpdate.Content
    /// μ of FedProx: the loss grows by μ/2 times the squared distance to `model`; Li et al. 2020, arXiv:1812.06127.
    public var proximalTerm: Double
    /// Tensors of `model` that stay as they are: in warm-up, what is shared with all sites.
    public var frozen: [String]
    /// What was agreed upon before, where updates open only together: an update that was sealed for another is of no use.
    public var session: Data?

    public init(
        round: Int, rounds: Int, warmUpRounds: Int = 0, localEpochs: Int = 1, model: Weights,
        content: ModelUpdate.Content = .weights,
        proximalTerm: Double = 0, frozen: [String] = [], session: Data? = nil
    ) {
        self.round = round
        self.rounds = rounds
        self.warmUpRounds = warmUpRounds
        self.localEpochs = localEpochs
        self.model = model
        self.content = content
        self.proximalTerm = proximalTerm
        self.frozen = frozen
        self.session = session
    }
}

extension TrainTask {
    /// Local epochs of all rounds.
    public var epochs: Int { (rounds + warmUpRounds) * localEpochs }
    /// Local epochs of the rounds before this one.
    public var epochsBefore: Int { (round - 1 + warmUpRounds) * localEpochs }
}

/// A model to be judged on a site's own validation cases.
public struct ValidationTask: Sendable {
    public enum Owner: Sendable, Equatable, Codable {
        /// The global model: its shared tensors.
        case server
        /// The best global model, at the end of the run.
        case serverBest
        /// The mean over one modality's sites: its shared tensors.
        case modality(String)
        /// Another site's, whole, or the own.
        case site(String)
    }

    public var round: Int
    /// Under the site's own names.
    public var model: Weights
    public var owner: Owner

    public init(round: Int, model: Weights, owner: Owner = .server) {
        self.round = round
        self.model = model
        self.owner = owner
    }
}

/// How a model did at one site.
public struct ValidationResult: Sendable, Equatable, Codable {
    /// Validation cases.
    public var examples: Int
    public var metrics: Metrics

    public init(examples: Int, metrics: Metrics) {
        self.examples = examples
        self.metrics = metrics
    }
}
