/// When a right holds: conditions, and conditions that block, in FLARE's grammar.
public struct AuthorizationRule: Sendable, Equatable {
    /// A fact about the caller and what the call is about.
    public enum Condition: Sendable, Equatable {
        case any
        case none
        /// The caller belongs to the organisation of the site, or of the server that is asked.
        case organisationOfSite
        /// The caller belongs to the organisation of who submitted the run.
        case organisationOfSubmitter
        case organisation(String)
        /// The caller submitted the run.
        case submitter
        case name(String)
    }

    public var allowing: [Condition]
    public var blocking: [Condition]

    public static let any = AuthorizationRule(allowing: [.any], blocking: [])
    public static let none = AuthorizationRule(allowing: [.none], blocking: [])

    public init(allowing: [Condition], blocking: [Condition] = []) {
        self.allowing = allowing
        self.blocking = blocking
    }

    /// Reads expressions such as `o:site`, `n:submitter` or `not o:hospital_a`; nil where one is none, or there is none.
    public init?(_ expressions: [String]) {
        guard !expressions.isEmpty else { return nil }
        var (allowing, blocking): ([Condition], [Condition]) = ([], [])
        for expression in expressions {
            var words = expression.split(whereSeparator: \.isWhitespace).map(String.init)
            let isBlocking = words.count > 1 && words[0].lowercased() == "not"
            if isBlocking { words.removeFirst() }
            guard words.count == 1, let condition = Condition(words[0]) else { return nil }
            if isBlocking { blocking.append(condition) } else { allowing.append(condition) }
        }
        self.init(allowing: allowing, blocking: blocking)
    }

    /// The rule as a policy file writes it.
    public var expressions: [String] { blocking.map { "not \($0.text)" } + allowing.map(\.text) }

    /// Blocking conditions count first; a rule of these alone allows everything else; without any condition nothing.
    package func allows(_ caller: Participant, _ target: AuthorizationTarget) -> Bool {
        if blocking.contains(where: { $0.holds(caller, target, whereUnknown: true) }) { return false }
        if allowing.isEmpty { return !blocking.isEmpty }
        return allowing.contains { $0.holds(caller, target, whereUnknown: false) }
    }
}

extension AuthorizationRule.Condition {
    fileprivate init?(_ word: String) {
        switch word.lowercased() {
        case "any", "all": self = .any
        case "none", "no": self = .none
        default:
            let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[1].isEmpty else { return nil }
            switch (parts[0].lowercased(), parts[1].lowercased()) {
            case ("o", "site"), ("org", "site"): self = .organisationOfSite
            case ("o", "submitter"), ("org", "submitter"): self = .organisationOfSubmitter
            case ("o", _), ("org", _): self = .organisation(parts[1])
            case ("n", "submitter"), ("name", "submitter"): self = .submitter
            case ("n", _), ("name", _): self = .name(parts[1])
            default: return nil
            }
        }
    }

    var text: String {
        switch self {
        case .any: "any"
        case .none: "none"
        case .organisationOfSite: "o:site"
        case .organisationOfSubmitter: "o:submitter"
        case .organisation(let name): "o:\(name)"
        case .submitter: "n:submitter"
        case .name(let name): "n:\(name)"
        }
    }

    /// - Parameter whereUnknown: the answer where the target does not say what is asked: a block holds, a permission does
    ///   not.
    fileprivate func holds(_ caller: Participant, _ target: AuthorizationTarget, whereUnknown: Bool) -> Bool {
        func equal(_ a: String, _ b: String?) -> Bool {
            guard let b else { return whereUnknown }
            return a.lowercased() == b.lowercased()
        }
        return switch self {
        case .any: true
        case .none: false
        case .organisationOfSite: equal(caller.organisation, target.siteOrganisation)
        case .organisationOfSubmitter: equal(caller.organisation, target.submitterOrganisation)
        case .organisation(let name): equal(caller.organisation, name)
        case .submitter: equal(caller.name, target.submitter)
        case .name(let name): equal(caller.name, name)
        }
    }
}

/// What a call is about. What is not known is nil, and then allows nothing.
public struct AuthorizationTarget: Sendable, Equatable {
    /// Of the site, or of the server where that is asked.
    public var siteOrganisation: String?
    /// Who submitted the run.
    public var submitter: String?
    public var submitterOrganisation: String?

    public init(siteOrganisation: String? = nil, submitter: String? = nil, submitterOrganisation: String? = nil) {
        self.siteOrganisation = siteOrganisation
        self.submitter = submitter
        self.submitterOrganisation = submitterOrganisation
    }
}
