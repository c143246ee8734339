#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server's half of an exchange with sites that is not training: questions and answers until it has what it needs.
///
/// It stands before the first round, or is what a filter must say within a round. A value: where a site is lost in the
/// middle, it begins again from a copy, without that site.
public protocol Preparation: Sendable {
    /// What people read, such as "fingerprint". May change from step to step; the first is what the journal remembers.
    var name: String { get }
    /// In the numbering of rounds: −2, −1. May change likewise.
    var round: Int { get }
    var addressee: Question.Addressee { get }
    /// Whether a lost site is only missing from then on, where what was said cannot be said again.
    var goesOnWithoutLostSites: Bool { get }
    /// - Parameter answers: of the questions before, by site; empty at first, with `sites` for whom to ask.
    /// - Returns: the next question for every site, or for some; nil when it is done.
    mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]?
}

extension Preparation {
    public var addressee: Question.Addressee { .learner }
    public var goesOnWithoutLostSites: Bool { false }
}
