/// What a site lets a run do. The site writes it, and no run can change it.
public struct SitePolicy: Sendable, Equatable {
    /// A kind of work that a server asks for.
    public enum Work: String, Sendable, CaseIterable, Codable {
        /// Fingerprint, planning, preprocessing, and what filters ask.
        case prepare
        case train
        case validate
        /// The site's own model, whole, for the other sites to judge.
        case sendModel = "send-model"
    }

    /// A part of every day, on the site's clock, in minutes from midnight; over midnight where the end is not after the
    /// start.
    public struct Hours: Sendable, Equatable {
        public var from: Int
        public var to: Int

        public init(from: Int, to: Int) {
            self.from = from
            self.to = to
        }

        public func contains(minute: Int) -> Bool {
            from < to ? minute >= from && minute < to : minute >= from || minute < to
        }
    }

    public var work = Set(Work.allCases)
    /// Datasets by name that may be used; nil for any.
    public var datasets: [String]?
    /// A dataset of fewer training cases is not used.
    public var fewestCases = 1
    /// Tensor bytes of what is sent or taken at once; nil for any.
    public var largestMessage: Int?
    /// When training and validation may start; empty for always.
    public var hours: [Hours] = []
    /// Whether a person must let every run in.
    public var asksForApproval = false

    public init() {}

    // MARK: What is refused

    /// - Parameter minute: of the day, on the site's clock.
    /// - Throws: `FederationError.policy`.
    public func admit(_ task: SiteTask, minute: Int) throws {
        let (needed, bytes): (Work?, Int) =
            switch task {
            case .answer: (.prepare, 0)
            case .describe, .initialWeights: (nil, 0)
            case .train(let task): (.train, task.model.byteCount)
            case .validate(let task): (.validate, task.model.byteCount)
            case .sendModel: (.sendModel, 0)
            case .finish(let model): (nil, model.byteCount)
            }
        if let needed, !work.contains(needed) {
            throw FederationError.policy("it does not allow to \(needed.rawValue)")
        }
        try admit(bytes: bytes)
        let isHeavy = needed == .train || needed == .validate
        guard !isHeavy || hours.isEmpty || hours.contains(where: { $0.contains(minute: minute) }) else {
            throw FederationError.policy("it works \(hours.map(\.description).joined(separator: " and ")) only")
        }
    }

    /// - Throws: `FederationError.policy`.
    public func admit(_ reply: SiteReply) throws {
        switch reply {
        case .description(let description):
            if let datasets, !datasets.contains(description.dataset) {
                throw FederationError.policy("it does not allow this dataset")
            }
            try admit(cases: description.examples)
        case .update(let update):
            try admit(cases: update.examples)
            try admit(bytes: update.tensors.byteCount)
        case .weights(let weights): try admit(bytes: weights.byteCount)
        case .answer(let data): try admit(bytes: data.count)
        case .validation, .done: break
        }
    }

    private func admit(cases: Int) throws {
        guard cases >= fewestCases else {
            throw FederationError.policy("its dataset has fewer than the \(fewestCases) cases that it asks for")
        }
    }

    private func admit(bytes: Int) throws {
        guard let largestMessage, bytes > largestMessage else { return }
        throw FederationError.policy("a message of \(bytes) bytes is more than the \(largestMessage) that it allows")
    }
}

extension SitePolicy.Hours: CustomStringConvertible {
    public var description: String { "\(Self.text(from))-\(Self.text(to))" }

    private static func text(_ minutes: Int) -> String {
        let (hour, minute) = (minutes / 60, minutes % 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }
}
