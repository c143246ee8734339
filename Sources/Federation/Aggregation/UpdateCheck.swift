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
        for description in expected {
            guard let tensor = update.weights[description.name] else {
                throw refuse("the tensor \(description.name) is missing")
            }
            guard tensor.description == description else {
                throw refuse(
                    "\(description.name) is \(tensor.shape) of \(tensor.description.type.rawValue) instead of "
                        + "\(description.shape) of \(description.type.rawValue)")
            }
        }
        if update.weights.tensors.count > expected.count {
            let known = Set(expected.map(\.name))
            let strangers = update.weights.names.filter { !known.contains($0) }
            throw refuse("it holds \(strangers.prefix(3).joined(separator: ", ")), which it was not asked for")
        }
        if let bad = try update.weights.firstNonFinite() { throw refuse("\(bad.name) holds NaN or infinite values") }
    }
}
