import Yams

/// What is gathered while a project file is read: faults, and notices.
final class ProjectReading {
    /// What an unknown key is.
    enum Dialect { case cohort, flare }

    let dialect: Dialect
    private(set) var faults: [(line: Int, text: String)] = []
    private var noticed: [Notice] = []

    init(_ dialect: Dialect) { self.dialect = dialect }

    func fault(_ node: Node?, _ text: String) { faults.append((node?.mark?.line ?? 0, text)) }

    func notice(_ node: Node?, _ text: String) { noticed.append(Notice(line: node?.mark?.line, text: text)) }

    /// In the order of the lines.
    var notices: [Notice] {
        noticed.enumerated().sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }.map(
            \.element)
    }

    /// The faults, in the order of the lines.
    var texts: [String] {
        faults.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map {
            ($0.element.line > 0 ? "line \($0.element.line): " : "") + $0.element.text
        }
    }
}

/// A mapping of a project file, whose keys are asked for by name. Keys that nobody asked for are unknown.
final class ProjectFields {
    private let reading: ProjectReading
    private let mapping: Node.Mapping
    let node: Node
    private let place: String
    private var known: [String] = []

    /// nil, with a fault, where the node is no mapping.
    init?(_ node: Node, _ place: String, _ reading: ProjectReading) {
        guard case .mapping(let mapping) = node else {
            reading.fault(node, "\(place) is no mapping; write keys with values under it")
            return nil
        }
        (self.node, self.mapping, self.place, self.reading) = (node, mapping, place, reading)
    }

    func has(_ key: String) -> Bool { mapping.contains { $0.key.string == key } }

    /// What stands behind a key; nil where it is missing or empty.
    func node(_ key: String) -> Node? {
        known.append(key)
        guard let node = mapping.first(where: { $0.key.string == key })?.value, node.null == nil else { return nil }
        return node
    }

    func text(_ key: String) -> String? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let scalar) = node else {
            reading.fault(node, "\(path(key)) is no text; write one value")
            return nil
        }
        return scalar.string
    }

    /// A text that must be there.
    func required(_ key: String) -> String? {
        if let text = text(key) { return text }
        if !has(key) || node(key) == nil { reading.fault(node, "\(path(key)) is missing; write it") }
        return nil
    }

    func number(_ key: String) -> Int? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let scalar) = node, let number = Int(scalar.string) else {
            reading.fault(node, "\(path(key)) is no whole number; write one")
            return nil
        }
        return number
    }

    func decimal(_ key: String) -> Double? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let scalar) = node, let number = Double(scalar.string), number.isFinite else {
            reading.fault(node, "\(path(key)) is no number; write one")
            return nil
        }
        return number
    }

    func flag(_ key: String) -> Bool? {
        guard let node = node(key) else { return nil }
        guard let flag = node.bool else {
            reading.fault(node, "\(path(key)) is neither true nor false; write one of them")
            return nil
        }
        return flag
    }

    /// A list; a single value is a list of one.
    func list(_ key: String) -> [Node] {
        guard let node = node(key) else { return [] }
        if case .sequence(let sequence) = node { return Array(sequence) }
        if case .scalar = node { return [node] }
        reading.fault(node, "\(path(key)) is no list; write - before each of its entries")
        return []
    }

    func texts(_ key: String) -> [String] {
        list(key).compactMap { entry in
            guard case .scalar(let scalar) = entry else {
                reading.fault(entry, "\(path(key)) holds more than names; write one name an entry")
                return nil
            }
            return scalar.string
        }
    }

    func fields(_ key: String) -> ProjectFields? {
        node(key).flatMap { ProjectFields($0, path(key), reading) }
    }

    /// The keys with their values, for mappings whose keys are names.
    var entries: [(key: String, value: Node)] {
        mapping.map { (($0.key.string ?? ""), $0.value) }
    }

    /// What a key is that was not asked for.
    enum Unknown { case fault, notice }

    /// Tells of keys that were not asked for: faults in Cohort's form, notices in FLARE's, where nothing else is said.
    func finish(unknown: Unknown? = nil) {
        for (key, _) in mapping {
            let name = key.string ?? ""
            guard !known.contains(name) else { continue }
            let near = nearest(to: name, in: known)
            switch unknown ?? (reading.dialect == .cohort ? .fault : .notice) {
            case .fault:
                reading.fault(
                    key,
                    "\(path(name)) is unknown; "
                        + (near.map { "did you mean \($0)?" } ?? "known here are \(known.joined(separator: ", "))"))
            case .notice:
                reading.notice(
                    key, "\(path(name)) is unknown and ignored" + (near.map { "; did you mean \($0)?" } ?? ""))
            }
        }
    }

    func path(_ key: String) -> String { place.isEmpty ? key : place + "." + key }
}
