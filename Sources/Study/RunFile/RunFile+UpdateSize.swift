import Privacy

extension RunFile.Strategy {
    /// About how many bytes an update of so many float32 takes on the wire.
    public func bytesOfUpdate(values: Int) throws -> Int {
        switch secureAggregation {
        case .plain: break
        case .sum(let settings): return settings.form == .masks ? 4 * values : (54 * values + 7) / 8
        case .ckks(let settings):
            let parameters = try settings.parameters()
            return values * parameters.coefficientBits[..<parameters.dataPrimes].reduce(0, +) / 8
        }
        var (sent, bytesEach, places) = (values, 4, 0)
        for filter in filters {
            switch filter {
            case .sparseVector, .percentile, .exclude, .block: break
            case .halfPrecision: bytesEach = 2
            case .topK(let settings):
                sent = Int((Double(values) * settings.fraction).rounded(.up))
                bytesEach = settings.values == .float16 ? 2 : 4
                // A bit for every value, or about a byte for every one that is sent.
                places = min((values + 7) / 8, sent)
            case .quantise(let settings): bytesEach = settings.width.rawValue / 8
            }
        }
        return sent * bytesEach + places
    }
}
