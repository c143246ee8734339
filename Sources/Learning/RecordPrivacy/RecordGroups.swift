/// Which cases are one record, the unit whose part in a training is bounded: those of one patient where a column says so, else
/// each case by itself.
public struct RecordGroups: Sendable, Equatable {
    /// Patients, or cases; ascending.
    public let names: [String]
    /// Positions of each record's cases among all, those of one record in the order of the cases' names.
    public let cases: [[Int]]

    /// - Parameter recordOfCase: the patient of every case; empty where each case is a record.
    /// - Throws: where a case is missing in it: whose it is would be a guess.
    public init(cases identifiers: [String], recordOfCase: [String: String] = [:]) throws {
        var groups: [String: [Int]] = [:]
        for position in identifiers.indices.sorted(by: { identifiers[$0] < identifiers[$1] }) {
            let name = recordOfCase.isEmpty ? identifiers[position] : recordOfCase[identifiers[position]]
            guard let name else {
                throw LearningError.notSupported(
                    what: "DP-SGD by patients where some training cases have no patient",
                    remedy: "complete the column that names patients, or name none and let every case be a record")
            }
            groups[name, default: []].append(position)
        }
        names = groups.keys.sorted()
        cases = names.map { groups[$0] ?? [] }
    }
}
