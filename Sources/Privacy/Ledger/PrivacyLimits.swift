/// What bookings must keep.
public struct PrivacyLimits: Sendable, Equatable {
    /// Of all runs together.
    public var cap: PrivacyBudget
    /// Of one run's own bookings: what it promised, and the most that the site's people let any run cost.
    public var ofRun: [PrivacyBudget]
    /// Which counts those of the run, as its plan did.
    public var accountant: Accountant

    public init(cap: PrivacyBudget, ofRun: [PrivacyBudget] = [], accountant: Accountant = .renyi) {
        self.cap = cap
        self.ofRun = ofRun
        self.accountant = accountant
    }

    /// Whether a run's ε is within one of its budgets, whatever the order in which it was added up.
    static func holds(_ epsilon: Double, within budget: PrivacyBudget) -> Bool {
        epsilon <= budget.epsilon * (1 + 1e-9)
    }
}
