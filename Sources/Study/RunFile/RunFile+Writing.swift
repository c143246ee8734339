extension RunFile {
    /// The file as text, with every value, defaults included, for the record.
    ///
    /// Reading it gives `resolved`.
    public func yaml() throws -> String { try resolved.node.yaml() }

    /// The same with those defaults written out that follow from other values.
    public var resolved: RunFile {
        var file = self
        file.output = outputFolder
        file.plan.plansName = plan.resolvedPlansName
        return file
    }
}
