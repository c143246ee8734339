extension Plans {
    /// These plans with the configurations that a user had added to an older file of the same name.
    public func keepingAddedConfigurations(of older: Plans) throws -> Plans {
        guard var configurations = json["configurations"]?.object, let old = older.json["configurations"]?.object else {
            return self
        }
        for (name, value) in old.pairs where configurations[name] == nil { configurations[name] = value }
        var merged = json
        merged["configurations"] = .object(configurations)
        return try Plans(json: merged)
    }
}
