import Federation

/// What a site can know of the weights in a secure sum, which come from the server: with other weights than the run's, the mean
/// may be nearly one site's update.
///
/// Between groups of sites the weights depend on what other sites say of themselves: there the largest share alone holds.
extension SiteWeighting {
    /// - Throws: `PrivacyError.forged` where they are not those of the run.
    func requireWeights(_ weights: [String: Double]) throws {
        guard groups == nil else { return }
        let expected: [String: Double]
        switch rule {
        case .uniform: expected = weights.mapValues { _ in 1 }
        case .given(let given): expected = weights.reduce(into: [:]) { $0[$1.key] = given[$1.key] ?? .nan }
        case .examples, .steps: return
        }
        let (sum, total) = (weights.values.reduce(0, +), expected.values.reduce(0, +))
        let areEqual = weights.allSatisfy { site, weight in
            abs(weight / sum - (expected[site] ?? .nan) / total) <= 1e-9
        }
        guard areEqual else {
            throw PrivacyError.forged(
                "The server weighs the sites of a secure sum otherwise than the run says. Nothing was sent.")
        }
    }

    /// Where sites weigh by their cases, each finds its own number among the weights.
    ///
    /// - Throws: `PrivacyError.forged`.
    func requireWeight(_ weight: Double, of site: String, examples: Int) throws {
        guard groups == nil, rule == .examples, weight != Double(examples) else { return }
        throw PrivacyError.forged(
            "The server weighs \(site) by \(weight) in a secure sum, and its update is of \(examples) cases. Nothing was sent; where the dataset has changed, begin the run anew."
        )
    }
}
