import Federation

/// Tensors that lie in the objects of a store and are read there in place: a model takes no memory, whatever its size.
///
/// All of it is checked before the first value is read: types, shapes, lengths. Hashes were checked when the objects
/// were stored.
public struct ObjectTensors: TensorSource {
    public let descriptions: [TensorDescription]
    private let source: any ObjectSource
    private let layouts: [Layout]

    /// The joined bodies of a tensor's chunks are a `.npy` file.
    private struct Layout {
        var headerLength: Int
        var chunks: [ObjectID]
        /// Of each chunk's head, which stands before its body.
        var headLengths: [Int]
        /// Where each chunk begins in the file, and at last its length.
        var starts: [Int]
    }

    /// Reads the list of an `ArrayRecord` object.
    ///
    /// - Throws: `FleetError` with what does not fit.
    public init(_ record: ObjectID, in source: some ObjectSource) throws {
        let (head, body) = try source.object(record, .arrayRecord)
        var used: Set<ObjectID> = []
        var (descriptions, layouts) = ([TensorDescription](), [Layout]())
        for (name, reference) in try JSONText.pairs(body) {
            guard let id = ObjectID(reference) else { throw FleetError.malformed("an array record names no array") }
            used.insert(id)
            let (description, layout) = try Self.layout(of: id, name: name, in: source)
            descriptions.append(description)
            layouts.append(layout)
        }
        guard used == Set(head.children) else {
            throw FleetError.malformed("an array record's arrays are not those of its head")
        }
        (self.source, self.descriptions, self.layouts) = (source, descriptions, layouts)
    }

    private static func layout(
        of id: ObjectID, name: String, in source: some ObjectSource
    ) throws -> (TensorDescription, Layout) {
        let (head, body) = try source.object(id, .array)
        let array = try ArrayDescription(body, children: head.children.count)
        var (lengths, headLengths) = ([Int](), [Int]())
        for child in head.children {
            let chunk = try source.head(of: child)
            guard chunk.kind == .arrayChunk else { throw FleetError.record("an array's child is no chunk") }
            lengths.append(chunk.bodyLength)
            headLengths.append(chunk.bytes.count)
        }
        var starts = [0]
        for index in array.chunks { starts.append(starts.last! + lengths[index]) }
        let chunks = array.chunks.map { head.children[$0] }
        let first = try [UInt8](unsafeUninitializedCapacity: min(lengths[array.chunks[0]], 1024)) { buffer, count in
            try source.read(chunks[0], at: 0, into: UnsafeMutableRawBufferPointer(buffer))
            count = buffer.count
        }
        let (header, headerLength) = try NPYHeader.parse(first)
        guard header.type == array.type, header.shape == array.shape else {
            throw FleetError.record("the array \(name) is described as \(array.shape) and holds \(header.shape)")
        }
        guard starts.last == headerLength + header.dataByteCount else {
            throw FleetError.record(
                "the array \(name) has \(starts.last! - headerLength) bytes instead of \(header.dataByteCount)")
        }
        return (
            TensorDescription(name: name, shape: header.shape, type: header.type),
            Layout(
                headerLength: headerLength, chunks: chunks, headLengths: array.chunks.map { headLengths[$0] },
                starts: starts)
        )
    }

    public func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let layout = layouts[index]
        let target = UnsafeMutableRawBufferPointer(rebasing: scratch[..<range.count])
        var position = range.lowerBound + layout.headerLength
        var chunk = layout.starts.partitioningIndex { $0 > position } - 1
        var done = 0
        while done < range.count {
            while layout.starts[chunk + 1] <= position { chunk += 1 }
            let count = min(range.count - done, layout.starts[chunk + 1] - position)
            try source.readWhole(
                layout.chunks[chunk], at: layout.headLengths[chunk] + position - layout.starts[chunk],
                into: UnsafeMutableRawBufferPointer(rebasing: target[done..<done + count]))
            done += count
            position += count
        }
        return try body(UnsafeRawBufferPointer(target))
    }
}

extension Array {
    /// The first index at which a condition holds that holds for all after it.
    func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
