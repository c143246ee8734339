import Federation
import Privacy

extension RunFile {
    /// What differential privacy, filters and secure sums give and do not give, for people to read.
    ///
    /// - Parameter values: of an update; nil before the network is known, then figures are those of a million values.
    public func privacyFacts(values: Int?) throws -> [RunFacts.Fact] {
        var facts = privacy.differentialPrivacy.map { [RunFacts.Fact("Differential privacy", $0.text)] } ?? []
        facts += try strategy.filters.map { filter in
            RunFacts.Fact("Filter \(filter.word)", try statement(of: filter, values: values))
        }
        switch strategy.secureAggregation {
        case .plain: break
        case .sum(let settings): facts.append(RunFacts.Fact("Secure sums", settings.protection))
        case .ckks:
            facts.append(
                RunFacts.Fact(
                    "CKKS",
                    "The server adds what it cannot read, and learns who took part and how many cases each has. All sites share "
                        + "one key: a server that works with one of them, or a stolen key, opens every update."))
        }
        return facts
    }

    private func statement(of filter: Strategy.Filter, values: Int?) throws -> String {
        let saving = "It saves bytes and promises no privacy."
        func stated(_ filter: any StatesPrivacy) throws -> String {
            let rounds = training.rounds + training.warmUpRounds
            let statement = try filter.privacyStatement(values: values ?? 1_000_000, rounds: rounds)
            guard values == nil, statement.bookedPerRound != nil else { return "\(statement)" }
            return "Were the network of a million values: \(statement)"
        }
        return switch filter {
        case .sparseVector(let settings): try stated(SparseVector(settings))
        case .percentile(let settings): try stated(Percentile(settings))
        case .halfPrecision: "Values are sent in 16 bits. \(saving)"
        case .topK(let settings): "The largest \((settings.fraction * 100).scalar) % of the values are sent. \(saving)"
        case .quantise(let settings): "Values are sent in \(settings.width.rawValue) bits. \(saving)"
        case .exclude: "Some tensors stay at the site. The others are sent as they are."
        case .block(let content): "No \(content.rawValue) leave the site."
        }
    }
}
