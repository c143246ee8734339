/// What is gathered while a run file or a site's policy is read: faults, and where every value stands.
struct Reading {
    var faults: [RunFile.Fault] = []
    var places: [String: RunFile.Place] = [:]
    /// Of every key of the file, for what is written in the wrong place.
    var paths = RunFile.paths
    /// What the key that is being read takes, where it says more than the value's type.
    var form: String?

    mutating func fault(_ place: RunFile.Place, _ path: String, _ fact: String, _ remedy: String) {
        faults.append(RunFile.Fault(place: place, path: path, fact: fact, remedy: remedy))
    }

    /// A value that is not what it must be. Returns nil, to be handed on.
    mutating func wrong<Value>(_ node: YAMLNode, _ path: String, form: String) -> Value? {
        fault(node.place, path, "is \(node.summary)", "write \(self.form ?? form)")
        return nil
    }

    mutating func unknownKey(_ entry: YAMLNode.Entry, _ path: String, known: [String]) {
        if let nearest = nearest(to: entry.key, in: known) {
            return fault(entry.place, path, "is unknown", "did you mean \(nearest)?")
        }
        let key = entry.key.asKey
        if let elsewhere = paths.first(where: { $0.split(separator: ".").last.map(String.init) == key }) {
            return fault(entry.place, path, "is unknown", "did you mean \(elsewhere)?")
        }
        fault(entry.place, path, "is unknown", "known here are \(known.joined(separator: ", "))")
    }

    /// What `check` finds, about a value that stands at a path or above it.
    mutating func fault(at path: String, _ fact: String, _ remedy: String) {
        var place = path[...]
        while places[String(place)] == nil, let dot = place.lastIndex(of: ".") { place = place[..<dot] }
        // A value that could not be read has its fault already.
        if faults.contains(where: { $0.path == path }) { return }
        fault(places[String(place)] ?? .unknown, path, fact, remedy)
    }
}

extension String {
    /// The path of a key under this one.
    func key(_ name: String) -> String { isEmpty ? name : self + "." + name }
}
