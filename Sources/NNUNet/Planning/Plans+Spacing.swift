extension Plans {
    /// The same networks on images of another spacing (z, y, x in the reader's order): what a site with much finer or coarser
    /// images takes part with. Configurations in 2D keep the last two axes.
    public func resampling(to spacing: [Double]) throws -> Plans {
        guard spacing.count == 3, spacing.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw NNUNetError.plan("The target spacing must be three numbers above zero, not \(spacing).")
        }
        let transposed = transposeForward.map { spacing[$0] }
        var json = json
        guard case .object(var configurations)? = json["configurations"] else { return self }
        for (name, value) in configurations.pairs {
            guard case .object(var configuration) = value, case .array(let old)? = configuration["spacing"] else {
                continue
            }
            configuration["spacing"] = JSONValue(Array(transposed.suffix(old.count)))
            configurations[name] = .object(configuration)
        }
        json["configurations"] = .object(configurations)
        return try Plans(json: json)
    }
}
