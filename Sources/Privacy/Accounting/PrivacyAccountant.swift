/// What releases cost together.
///
/// Neighbours differ by one record, or one site, that is there or not ("add or remove").
public protocol PrivacyAccountant: Sendable {
    /// What people read: "Rényi", "PLD".
    static var name: String { get }
    init()
    mutating func compose(_ event: PrivacyEvent)
    /// The smallest ε that is known to hold at a δ; infinite where none is.
    func epsilon(at delta: Double) -> Double
}

extension PrivacyAccountant {
    public init(_ events: some Sequence<PrivacyEvent>) {
        self.init()
        for event in events { compose(event) }
    }
}

/// Which accountant counts.
public enum Accountant: String, Sendable, Codable, CaseIterable {
    /// Rényi divergences: quick, and a little above the truth.
    case renyi
    /// Privacy loss distributions: within a fraction of a percent of the truth.
    case lossDistribution = "pld"

    public func make() -> any PrivacyAccountant {
        switch self {
        case .renyi: RenyiAccountant()
        case .lossDistribution: PrivacyLossAccountant()
        }
    }

    public func epsilon(of events: some Sequence<PrivacyEvent>, at delta: Double) -> Double {
        var accountant = make()
        for event in events { accountant.compose(event) }
        return accountant.epsilon(at: delta)
    }
}
