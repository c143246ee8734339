extension SparseVector: StatesPrivacy {
    /// Between any two updates of a site, by pure ε: Lyu, Su and Li 2017 (arXiv:1603.01699) for the choice, a sum for the rest.
    ///
    /// FLARE 2.8 books ε + n·noise_var. Its passes stop after n values at the earliest, each of which has cost ε_query / n; up
    /// to all d may have been accepted by then, so that what holds is ε_threshold + ε_query·d/n + ε_release.
    public func privacyStatement(values: Int, rounds: Int) throws -> PrivacyStatement {
        guard values > 0, rounds > 0 else {
            throw PrivacyError.setting(
                "A privacy statement needs values and rounds above 0, not \(values) and \(rounds).")
        }
        let scales = settings.scales(values: values)
        let booked = settings.epsilon + scales.epsilonRelease
        func figure(_ value: Double) -> String { PrivacyStatement.figure(value) }
        var epsilon: Double?
        var facts: [String] = []
        if settings.form == .legacy {
            facts.append(
                "The sparse vector filter in its legacy form gives no differential privacy: its noise is added to values "
                    + "that were not clipped, so that no noise hides a large one. FLARE's later accounting would book "
                    + "ε = \(figure(booked)) a round and \(figure(booked * Double(rounds))) in \(rounds) rounds.")
        } else if randomness.claimsPrivacy {
            let spent =
                scales.epsilonThreshold + scales.epsilonQuery * Double(values) / Double(scales.kept)
                + scales.epsilonRelease
            epsilon = spent
            facts.append(
                "The sparse vector filter gives ε = \(figure(spent)) a round (FLARE books \(figure(booked))) and "
                    + "\(figure(spent * Double(rounds))) in \(rounds) rounds, between any two updates of a site and as far "
                    + "as arithmetic is exact" + (spent > 50 ? ": that hides nothing." : "."))
        }
        if !randomness.claimsPrivacy {
            facts.append("Its noise follows from a seed: no privacy claim.")
        }
        facts.append(
            "It is not a patient-level guarantee. Steps, case counts, metrics and tensors without a dimension are sent as "
                + "they are.")
        return PrivacyStatement(epsilonPerRound: epsilon, bookedPerRound: booked, rounds: rounds, facts: facts)
    }
}
