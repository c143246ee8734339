/// What happened in one round.
public struct RoundReport: Sendable, Equatable, Codable {
    public enum Phase: String, Sendable, Codable, CaseIterable {
        case training, aggregation, validation, saving
    }

    /// How a site fared.
    public struct SiteOutcome: Sendable, Equatable, Codable {
        public enum Part: Sendable, Equatable, Codable {
            case took
            /// Its update came too late.
            case late
            case failed(String)
            /// It only judged the model.
            case notSelected
        }

        public var site: String
        public var part: Part
        public var examples = 0
        public var steps = 0
        /// Of its training.
        public var metrics: Metrics = [:]
        /// Of the new global model, on its validation cases.
        public var validation: ValidationResult?
        /// Why there is no validation.
        public var validationFailure: String?
        public var seconds = 0.0
        public var bytesSent = 0
        public var bytesReceived = 0

        public init(site: String, part: Part) {
            self.site = site
            self.part = part
        }

        /// Takes over what an update says of its training.
        mutating func count(_ update: ModelUpdate) {
            (examples, steps, metrics) = (update.examples, update.steps, update.metrics)
        }
    }

    public var round: Int
    public var rounds: Int
    /// In the order of their names: those that were selected to train or to judge.
    public var sites: [SiteOutcome] = []
    /// Training figures, averaged over sites by examples.
    public var training: Metrics = [:]
    /// Of the new global model, averaged over sites by validation cases.
    public var validation: Metrics = [:]
    public var isBest = false
    /// Of the model of each modality, averaged over its sites by validation cases.
    public var validationOfModality: [String: Metrics] = [:]
    /// Modalities whose model is the best so far.
    public var bestModalities: [String] = []
    public var seconds: [Phase: Double] = [:]

    public init(round: Int, rounds: Int) {
        self.round = round
        self.rounds = rounds
    }

    public var participants: [String] { sites.filter { $0.part == .took }.map(\.site) }
}
