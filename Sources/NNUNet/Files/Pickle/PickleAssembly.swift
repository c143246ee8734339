/// Turns the unpickler's arena into values.
///
/// Each node is converted once and then shared, so that a pickle which refers to one value many times costs no memory
/// for it; but as whoever walks the result meets every mention, the number of mentions is bounded too.
struct PickleAssembly {
    private let nodes: [Unpickler.Node]
    private let file: String
    private var finished: [PickleValue?]
    private var sizes: [Int]
    private var open: [Bool]

    private static let deepest = 128
    private static let mostMentions = 1 << 26

    init(nodes: [Unpickler.Node], file: String) {
        self.nodes = nodes
        self.file = file
        finished = Array(repeating: nil, count: nodes.count)
        sizes = Array(repeating: 1, count: nodes.count)
        open = Array(repeating: false, count: nodes.count)
    }

    mutating func value(of index: Int, depth: Int = 0) throws -> PickleValue {
        if let value = finished[index] { return value }
        guard depth < Self.deepest else {
            throw FileError.unsupported(file: file, fact: "its values are nested more than \(Self.deepest) deep")
        }
        guard !open[index] else { throw FileError.unsupported(file: file, fact: "a value in it contains itself") }
        open[index] = true
        let value: PickleValue
        switch nodes[index] {
        case .value(let atom): value = atom
        case .list(let items): value = .list(try values(of: items, in: index, depth))
        case .tuple(let items): value = .tuple(try values(of: items, in: index, depth))
        case .set(let items): value = .set(try values(of: items, in: index, depth))
        case .dictionary(let items, let ordered):
            let flat = try values(of: items, in: index, depth)
            let pairs = stride(from: 0, to: flat.count - 1, by: 2).map {
                PickleDictionary.Pair(key: flat[$0], value: flat[$0 + 1])
            }
            let dictionary = PickleDictionary(pairs: pairs)
            value = ordered ? .orderedDictionary(dictionary) : .dictionary(dictionary)
        case .global(let name): value = .global(name)
        case .elementType(let type, _): value = .global("numpy.\(type)")
        case .emptyArray: throw FileError.malformed(file: file, fact: "an array in it has no content")
        case .storage(let storage): value = .tensor(TensorReference(storage: storage, shape: [storage.count]))
        }
        open[index] = false
        finished[index] = value
        return value
    }

    private mutating func values(of items: [Int], in index: Int, _ depth: Int) throws -> [PickleValue] {
        var values: [PickleValue] = []
        values.reserveCapacity(items.count)
        for item in items {
            values.append(try value(of: item, depth: depth + 1))
            sizes[index] += sizes[item]
            guard sizes[index] <= Self.mostMentions else {
                throw FileError.malformed(file: file, fact: "it unfolds to far more data than it has")
            }
        }
        return values
    }
}
