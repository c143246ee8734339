/// What one check found.
struct Finding: Encodable {
    enum Verdict: String, Encodable {
        case pass, warn, fail
        /// Not looked at, with the reason.
        case skip
    }

    var check: String
    var verdict: Verdict
    /// The fact and, where it is not good, what to do.
    var text: String

    /// A finding without its check's name.
    struct Result {
        var verdict: Verdict
        var text: String

        static func pass(_ text: String) -> Self { Self(verdict: .pass, text: text) }
        static func warn(_ text: String) -> Self { Self(verdict: .warn, text: text) }
        static func fail(_ text: String) -> Self { Self(verdict: .fail, text: text) }
        static func skip(_ text: String) -> Self { Self(verdict: .skip, text: text) }
    }
}
