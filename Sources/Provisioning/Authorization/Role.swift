import Yams

/// What a person may do, as their certificate says it; FLARE's four.
public enum Role: String, Sendable, CaseIterable, Codable {
    /// Of the whole federation.
    case projectAdministrator = "project_admin"
    /// Of one organisation.
    case organisationAdministrator = "org_admin"
    /// Leads studies: submits runs.
    case lead
    /// Looks on.
    case member

    /// nil, with a fault, where there is no such role.
    init?(named name: String, _ reading: ProjectReading, _ node: Node?) {
        if let role = Role(rawValue: name) {
            self = role
            return
        }
        let names = Role.allCases.map(\.rawValue)
        reading.fault(
            node,
            "there is no role \(ParticipantName.shown(name)); "
                + (nearest(to: name, in: names).map { "did you mean \($0)?" }
                    ?? "write one of \(names.joined(separator: ", "))"))
        return nil
    }
}
