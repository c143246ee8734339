/// What a filter's noise promises in truth, for reports: never the ε that was configured.
public struct PrivacyStatement: Sendable, Equatable {
    /// The ε of one round, of pure differential privacy for a site's whole update; nil where none holds.
    public var epsilonPerRound: Double?
    /// The ε of all rounds, which add up; nil where none holds.
    public var epsilon: Double?
    /// What FLARE's own accounting would book for one round; nil where it books nothing.
    public var bookedPerRound: Double?
    public var rounds: Int
    /// Short sentences: what holds, and what does not.
    public var facts: [String]

    public init(
        epsilonPerRound: Double?, bookedPerRound: Double? = nil, rounds: Int, facts: [String]
    ) {
        self.epsilonPerRound = epsilonPerRound
        epsilon = epsilonPerRound.map { $0 * Double(rounds) }
        self.bookedPerRound = bookedPerRound
        self.rounds = rounds
        self.facts = facts
    }
}

/// A filter that people take for privacy, and that says what it gives.
public protocol StatesPrivacy {
    /// - Parameters:
    ///   - values: of the update, all tensors together.
    ///   - rounds: of training in all.
    func privacyStatement(values: Int, rounds: Int) throws -> PrivacyStatement
}

extension PrivacyStatement: CustomStringConvertible {
    public var description: String { facts.joined(separator: " ") }

    /// A figure with four digits, such as 4.232e+06.
    static func figure(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return "\(value)" }
        var exponent = 0
        var size = abs(value)
        while size >= 10 { (size, exponent) = (size / 10, exponent + 1) }
        while size < 1 { (size, exponent) = (size * 10, exponent - 1) }
        let sign = value < 0 ? "-" : ""
        if (-3...4).contains(exponent) {
            let unit = (0..<abs(3 - exponent)).reduce(1.0) { result, _ in result * 10 }
            let rounded = exponent <= 3 ? (abs(value) * unit).rounded() / unit : (abs(value) / unit).rounded() * unit
            return sign + "\(rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)")"
        }
        return sign + "\((size * 1000).rounded() / 1000)e\(exponent < 0 ? "-" : "+")\(abs(exponent))"
    }
}
