/// One line of a privacy ledger.
public struct LedgerEntry: Sendable, Equatable, Codable {
    public enum Content: Sendable, Equatable, Codable {
        /// Whose accounts entries mean by a name, by keyed hashes: written once. Without patients each case is a record.
        case accounts(set: String, cases: [String], patients: [String])
        case spent(Spending)
        case released(PlainRelease, run: String, round: Int)
    }

    /// What a round's training, or its update, costs.
    public struct Spending: Sendable, Equatable, Codable {
        public var run: String
        public var round: Int
        public var unit: PrivacyUnit
        public var events: [PrivacyEvent]
        /// Whose accounts they are; nil where the unit is the site.
        public var records: String?
    }

    /// From 1.
    public var number: Int
    /// When it was booked, in seconds since 1970.
    public var time: Int
    public var content: Content
    /// The keyed hash of the line before; of nothing for the first.
    public var previous: String
}
