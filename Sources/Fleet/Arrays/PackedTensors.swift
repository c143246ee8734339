import Federation

/// All float32 tensors of a model as one long one, and the others as they are: one array for a stock SuperLink, whose
/// time goes by the number of objects.
///
/// Strategies that look at single layers do not find them in it.
public struct PackedTensors: TensorSource {
    public let descriptions: [TensorDescription]
    /// Names and shapes of what was packed, in order: what the receiver unpacks it with.
    public let layout: ConfigRecord
    private let source: any TensorSource
    private let packed: [Int]
    /// Where each packed tensor begins, in bytes, and at last their length.
    private let starts: [Int]
    private let others: [Int]

    /// The name of the packed array.
    public static let name = "packed"

    /// - Throws: `FleetError.record` where a tensor that stays has the packed array's name.
    public init(_ source: any TensorSource) throws {
        let all = source.descriptions
        packed = all.indices.filter { all[$0].type == .float32 }
        others = all.indices.filter { all[$0].type != .float32 }
        guard !others.contains(where: { all[$0].name == Self.name }) else {
            throw FleetError.record("a tensor is called \(Self.name), as the array of all others is")
        }
        starts = packed.reduce(into: [0]) { $0.append($0.last! + all[$1].byteCount) }
        self.source = source
        descriptions =
            [TensorDescription(name: Self.name, shape: [starts.last! / 4], type: .float32)] + others.map { all[$0] }
        layout = [
            "names": .strings(packed.map { all[$0].name }),
            "ranks": .ints(packed.map { Int64(all[$0].shape.count) }),
            "sizes": .ints(packed.flatMap { all[$0].shape.map(Int64.init) }),
            // All names, since those that stay have places among them.
            "order": .strings(all.map(\.name)),
        ]
    }

    public func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard index == 0 else {
            return try source.withBytes(of: others[index - 1], in: range, scratch: scratch, body)
        }
        var tensor = max(0, starts.partitioningIndex { $0 > range.lowerBound } - 1)
        var position = range.lowerBound
        while position < range.upperBound {
            while starts[tensor + 1] <= position { tensor += 1 }
            let end = min(range.upperBound, starts[tensor + 1])
            let target = UnsafeMutableRawBufferPointer(
                rebasing: scratch[position - range.lowerBound..<end - range.lowerBound])
            try source.withBytes(
                of: packed[tensor], in: position - starts[tensor]..<end - starts[tensor], scratch: target
            ) { bytes in
                if bytes.baseAddress != UnsafeRawPointer(target.baseAddress) { target.copyMemory(from: bytes) }
            }
            position = end
        }
        return try body(UnsafeRawBufferPointer(rebasing: scratch[..<range.count]))
    }
}

/// A packed model, tensor by tensor again.
public struct UnpackedTensors: TensorSource {
    public let descriptions: [TensorDescription]
    private let source: any TensorSource
    /// For each tensor: where it is in the source, and at which byte it begins there.
    private let places: [(index: Int, start: Int)]

    /// - Throws: `FleetError.record` where source and layout do not fit each other.
    public init(_ source: any TensorSource, layout: ConfigRecord) throws {
        guard case .strings(let names) = layout["names"], let ranks = layout["ranks"]?.naturals,
            let sizes = layout["sizes"]?.naturals, case .strings(let order) = layout["order"],
            names.count == ranks.count, ranks.allSatisfy({ $0 <= NPYHeader.mostDimensions }),
            ranks.reduce(0, +) == sizes.count
        else { throw FleetError.record("the layout of the packed array is not whole") }
        let stored = source.descriptions
        guard let first = stored.firstIndex(where: { $0.name == PackedTensors.name }), stored[first].type == .float32,
            stored[first].shape.count == 1
        else { throw FleetError.record("there is no packed array") }
        var found: [String: (description: TensorDescription, index: Int, start: Int)] = [:]
        var (size, start) = (0, 0)
        for (name, rank) in zip(names, ranks) {
            let shape = Array(sizes[size..<size + rank])
            size += rank
            var count = 1
            for length in shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: length)
                guard !overflow, product < 1 << 44 else { throw FleetError.record("the layout's shapes are too large") }
                count = product
            }
            found[name] = (TensorDescription(name: name, shape: shape), first, start)
            start += count * 4
            guard start <= stored[first].byteCount else { break }
        }
        guard start == stored[first].byteCount else {
            throw FleetError.record(
                "the packed array has \(stored[first].byteCount) bytes, and its layout says \(start)")
        }
        for (index, description) in stored.enumerated() where index != first {
            guard found[description.name] == nil else { throw FleetError.record("\(description.name) is there twice") }
            found[description.name] = (description, index, 0)
        }
        guard Set(order) == Set(found.keys), order.count == found.count, found.count == names.count + stored.count - 1
        else { throw FleetError.record("the layout of the packed array names other tensors than there are") }
        self.source = source
        descriptions = order.map { found[$0]!.description }
        places = order.map { (found[$0]!.index, found[$0]!.start) }
    }

    public func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let (place, start) = places[index]
        return try source.withBytes(
            of: place, in: start + range.lowerBound..<start + range.upperBound, scratch: scratch, body)
    }
}

extension ConfigValue {
    /// A list of natural numbers, also where Python left it empty without a type.
    fileprivate var naturals: [Int]? {
        switch self {
        case .ints(let values) where values.allSatisfy({ $0 >= 0 && $0 < 1 << 44 }): values.map(Int.init)
        case .bools(let values) where values.isEmpty: []
        default: nil
        }
    }
}
