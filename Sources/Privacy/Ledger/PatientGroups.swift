/// Which cases are one patient's, by a column of the site's table.
public struct PatientGroups: Sendable, Equatable {
    public let column: String
    public let patientOfCase: [String: String]

    public init(column: String, patientOfCase: [String: String]) {
        self.column = column
        self.patientOfCase = patientOfCase
    }

    public var patients: Set<String> { Set(patientOfCase.values) }
}
