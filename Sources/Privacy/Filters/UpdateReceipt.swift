import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server's half of `ErrorFeedback`: after training it tells those whose update came that it is here. A site that cannot take note is left
/// out of the round, so that both sides agree on what was sent.
struct UpdateReceipt: Preparation {
    let filter: String
    let round: Int
    private var isAsked = false

    init(filter: String, round: Int) { (self.filter, self.round) = (filter, round) }

    var name: String { "receipt of updates (\(filter))" }
    var addressee: Question.Addressee { .filter(filter) }
    var goesOnWithoutLostSites: Bool { true }

    mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]? {
        if isAsked { return nil }
        isAsked = true
        return Dictionary(uniqueKeysWithValues: sites.map { ($0, Data("received \(round)".utf8)) })
    }

    /// The round that a question speaks of.
    static func round(of question: Data) throws -> Int {
        let words = String(decoding: question.prefix(64), as: UTF8.self).split(separator: " ")
        guard words.count == 2, words[0] == "received", let round = Int(words[1]) else {
            throw PrivacyError.refused(
                "A question to a filter is none that it knows. Let site and server use the same version.")
        }
        return round
    }
}
