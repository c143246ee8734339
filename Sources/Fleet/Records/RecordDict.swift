/// What a message carries: records by name, in order.
public typealias RecordDict = OrderedValues<Record>

/// One record of a message.
public enum Record: Sendable {
    case arrays(ArrayRecord)
    case metrics(MetricRecord)
    case config(ConfigRecord)
}

extension OrderedValues where Value == Record {
    /// Writes all objects that these records are made of.
    ///
    /// - Returns: their tree, with the `RecordDict` object at its root.
    public func write(to sink: some ObjectSink) throws -> ObjectTree {
        var objects: [(id: ObjectID, children: [ObjectID])] = []
        var references: [(String, ObjectID)] = []
        for (name, record) in items {
            let tree: ObjectTree
            switch record {
            case .arrays(let record): tree = try record.write(to: sink)
            case .metrics(let record): tree = ObjectTree([(try sink.put(try record.object), [])])
            case .config(let record): tree = ObjectTree([(try sink.put(try record.object), [])])
            }
            objects += tree.ids.map { ($0, tree.children(of: $0)) }
            references.append((name, tree.root))
        }
        let object = FleetObject(
            .recordDict, children: references.map(\.1).withoutRepetitions(),
            body: JSONText.write(references.map { ($0, $1.description) }))
        return ObjectTree(objects + [(try sink.put(object), object.head.children)])
    }

    /// Reads records whose objects are all there. Tensors stay in the source and are read from it later.
    ///
    /// - Throws: `FleetError` with what is missing or does not fit.
    public init(_ id: ObjectID, in source: some ObjectSource) throws {
        self.init()
        let (head, body) = try source.object(id, .recordDict)
        var used: Set<ObjectID> = []
        for (name, reference) in try JSONText.pairs(body) {
            guard let id = ObjectID(reference) else { throw FleetError.malformed("a record dict names no record") }
            used.insert(id)
            switch try source.head(of: id).kind {
            case .arrayRecord: try add(name, .arrays(ArrayRecord(id, in: source)))
            case .metricRecord: try add(name, .metrics(MetricRecord(body: source.object(id, .metricRecord).body)))
            case .configRecord: try add(name, .config(ConfigRecord(body: source.object(id, .configRecord).body)))
            case .arrayChunk, .array, .recordDict, .message:
                throw FleetError.record("a record dict holds something that is no record")
            }
        }
        guard used == Set(head.children) else {
            throw FleetError.malformed("a record dict's records are not those of its head")
        }
    }

    /// The array record of this name.
    public func arrays(_ name: String) -> ArrayRecord? {
        if case .arrays(let record) = self[name] { record } else { nil }
    }
    /// The metric record of this name.
    public func metrics(_ name: String) -> MetricRecord? {
        if case .metrics(let record) = self[name] { record } else { nil }
    }
    /// The config record of this name.
    public func config(_ name: String) -> ConfigRecord? {
        if case .config(let record) = self[name] { record } else { nil }
    }
}
