/// Whether an update may touch the model: exactly the tensors that the site shares, and nothing but numbers in them.
public struct UpdateCheck: Sendable {
    public let plan: SharingPlan

    public init(_ plan: SharingPlan) { self.plan = plan }

    /// - Throws: `FederationError.unusableUpdate`, which names the site and the fact.
    public func check(_ update: ModelUpdate, from site: String) throws {
        func refuse(_ fact: String) -> FederationError { .unusableUpdate(site: site, fact: fact) }
        guard update.examples >= 0, update.steps >= 0 else {
            throw refuse("it counts \(update.examples) cases and \(update.steps) steps")
        }
        let expected = plan.expectation(of: site)
        let found = Dictionary(update.tensors.descriptions.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        for description in expected {
            guard let tensor = found[description.name] else {
                throw refuse("the tensor \(description.name) is missing")
            }
            guard tensor == description else {
                throw refuse(
                    "\(description.name) is \(tensor.shape) of \(tensor.type.rawValue) instead of "
                        + "\(description.shape) of \(description.type.rawValue)")
            }
        }
        if update.tensors.descriptions.count > expected.count {
            let known = Set(expected.map(\.name))
            let strangers = update.tensors.descriptions.map(\.name).filter { !known.contains($0) }
            let names = strangers.isEmpty ? "two tensors of one name" : strangers.prefix(3).joined(separator: ", ")
            throw refuse("it holds \(names), which it was not asked for")
        }
        if let bad = try update.tensors.firstNonFinite() { throw refuse("\(bad.name) holds NaN or infinite values") }
    }
}
