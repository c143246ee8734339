import Crypto
import Federation
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Changes to what is said in a secure sum, on its way.
protocol SumAttack {}

extension SumAttack {
    func decoded(_ data: Data) throws -> SumQuestion { try JSONDecoder().decode(SumQuestion.self, from: data) }
    func encoded(_ message: some Encodable) throws -> Data { try JSONEncoder().encode(message) }

    /// Whether a site refuses what a question is changed into, as forged.
    func expectForged(
        _ sum: SumFixture, _ moment: FilterMoment, step: Int, saying text: String,
        _ location: SourceLocation = #_sourceLocation,
        _ change: @escaping (inout SumQuestion) throws -> Void
    ) async throws {
        do {
            let reasons = try await sum.carryOut(
                moment, with: sum.sites,
                change: { site, at, data in
                    guard site == "site-00", at == step else { return data }
                    var question = try decoded(data)
                    try change(&question)
                    return try encoded(question)
                }
            ).reasons
            try check(reasons["site-00"])
        } catch let error as PrivacyError { Issue.record(error, sourceLocation: location) }
        func check(_ reason: (any Error)?) throws {
            guard case .forged(let said) = reason as? PrivacyError else {
                Issue.record("\(String(describing: reason))", sourceLocation: location)
                return
            }
            #expect(said.contains(text), sourceLocation: location)
        }
    }
}
