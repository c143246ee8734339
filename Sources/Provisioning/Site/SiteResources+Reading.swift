import Yams

/// Resources as files say them, each key within its bounds: what is outside is a fault.
extension SiteResources {
    /// Reads `resources.json`.
    ///
    /// - Throws: `ProvisioningError` with all that is wrong.
    init(json: String, file: String = "resources.json") throws {
        let reading = ProjectReading(.cohort)
        guard let root = try? Parser(yaml: json).singleRoot(), let fields = ProjectFields(root, "", reading) else {
            throw ProvisioningError.file(file, reason: "is no JSON object, or has a key twice; correct it")
        }
        self.init()
        readSettings(fields, reading)
        readCapacity(fields, reading)
        fields.finish()
        guard reading.faults.isEmpty else { throw ProvisioningError.project(file: file, faults: reading.texts) }
    }

    /// The keys of `resources` in `local_config.json`.
    mutating func readSettings(_ fields: ProjectFields, _ reading: ProjectReading) {
        if let node = fields.node("gpu_ids") {
            var nodes = [node]
            if case .sequence(let sequence) = node { nodes = Array(sequence) }
            var ids: [Int] = []
            for node in nodes {
                if let id = node.int, (0...1023).contains(id) {
                    ids.append(id)
                } else {
                    reading.fault(node, "\(fields.path("gpu_ids")) holds what is no number of a GPU; write 0 to 1023")
                }
            }
            gpuIDs = ids
        }
        workers = Self.within(0...1024, fields.number("num_workers"), "num_workers", fields, reading)
        memoryLimit = fields.decimal("memory_limit_gb")
        if let limit = memoryLimit, limit <= 0 || limit > 1_000_000 {
            reading.fault(
                fields.node("memory_limit_gb"),
                "\(fields.path("memory_limit_gb")) is not above 0 and at most 1000000; write such a number of GiB, or leave "
                    + "it out")
        }
    }

    /// The keys of a site's `capacity` in a project of FLARE's form.
    mutating func readCapacity(_ fields: ProjectFields, _ reading: ProjectReading) {
        gpuCount = Self.within(0...1024, fields.number("num_of_gpus"), "num_of_gpus", fields, reading)
    }

    private static func within<Value: Comparable>(
        _ range: ClosedRange<Value>, _ value: Value?, _ key: String, _ fields: ProjectFields, _ reading: ProjectReading
    ) -> Value? {
        guard let value, !range.contains(value) else { return value }
        reading.fault(
            fields.node(key),
            "\(fields.path(key)) is not within \(range.lowerBound) to \(range.upperBound); write a number that is, or leave "
                + "it out")
        return nil
    }
}
