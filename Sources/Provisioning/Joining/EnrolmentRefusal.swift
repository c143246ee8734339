/// Why a request for a certificate is not answered with one. The token is never part of it.
public enum EnrolmentRefusal: Sendable, Equatable, CustomStringConvertible {
    case unknownToken
    case expired(name: String)
    /// The token gave a certificate to another key.
    case used(name: String)
    /// A later invitation took its place.
    case replaced(name: String)
    case wrongName(invited: String, requested: String)
    case revoked(name: String)
    /// The request itself is none, was changed, or has a key of another kind.
    case request(String)
    /// The certificate that is to be renewed is not trusted.
    case notTrusted(String)

    public var description: String {
        switch self {
        case .unknownToken: "The invitation is not known here. Ask the coordinator of this server for one"
        case .expired(let name):
            "The invitation of \(name) has expired. Ask for a new one: cohort provision invite \(name)"
        case .used(let name):
            "The invitation of \(name) was used already, with another key. If that was not you, tell the coordinator at once: "
                + "cohort provision revoke \(name)"
        case .replaced(let name): "A later invitation took the place of this one of \(name). Use that one"
        case .wrongName(let invited, let requested):
            "The invitation is for \(invited), the request for \(ParticipantName.shown(requested)). Make the request with this "
                + "invitation: cohort join"
        case .revoked(let name):
            "\(name) was revoked. Only a new invitation brings it back: cohort provision invite \(name)"
        case .request(let fact): "The request is refused: \(fact)"
        case .notTrusted(let fact): "The certificate cannot be renewed. \(fact)"
        }
    }
}
