import Federation

/// A model's tensors, read piece by piece when they are needed: from memory, or from objects in a store.
public struct ArrayRecord: Sendable {
    public var tensors: any TensorSource

    public init(_ tensors: any TensorSource) { self.tensors = tensors }

    /// Writes each tensor as an array, in chunks; at no time is more than one chunk in memory.
    func write(to sink: some ObjectSink) throws -> ObjectTree {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ObjectHead.longestChunk, alignment: 64)
        defer { buffer.deallocate() }
        var objects: [(id: ObjectID, children: [ObjectID])] = []
        var references: [(String, String)] = []
        var arrays: [ObjectID] = []
        var names: Set<String> = []
        for (index, tensor) in tensors.descriptions.enumerated() {
            guard names.insert(tensor.name).inserted else {
                throw FleetError.record("two tensors are called \(tensor.name)")
            }
            let chunks = try writeChunks(of: index, tensor, buffer, to: sink)
            let distinct = chunks.withoutRepetitions()
            let array = FleetObject(
                .array, children: distinct,
                body: ArrayDescription(
                    type: tensor.type, shape: tensor.shape, chunks: chunks.map { distinct.firstIndex(of: $0)! }
                ).body)
            let id = try sink.put(array)
            objects += distinct.map { ($0, []) } + [(id, distinct)]
            references.append((tensor.name, id.description))
            arrays.append(id)
        }
        let record = FleetObject(
            .arrayRecord, children: arrays.withoutRepetitions(), body: JSONText.write(references))
        objects.append((try sink.put(record), record.head.children))
        return ObjectTree(objects)
    }

    private func writeChunks(
        of index: Int, _ tensor: TensorDescription, _ buffer: UnsafeMutableRawBufferPointer, to sink: some ObjectSink
    ) throws -> [ObjectID] {
        let header = NPYHeader(shape: tensor.shape, type: tensor.type).bytes
        buffer.copyBytes(from: header)
        var (filled, done) = (header.count, 0)
        var chunks: [ObjectID] = []
        repeat {
            let count = min(buffer.count - filled, tensor.byteCount - done)
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
            if count > 0 {
                try tensors.withBytes(of: index, in: done..<done + count, scratch: rest) { bytes in
                    if bytes.baseAddress != UnsafeRawPointer(rest.baseAddress) { rest.copyMemory(from: bytes) }
                }
            }
            let body = UnsafeRawBufferPointer(rebasing: buffer[..<(filled + count)])
            chunks.append(try sink.put(ObjectHead(.arrayChunk, bodyLength: body.count), body))
            (filled, done) = (0, done + count)
        } while done < tensor.byteCount
        return chunks
    }

    /// Reads a record whose objects are all there; its tensors stay where they are.
    init(_ id: ObjectID, in source: some ObjectSource) throws {
        tensors = try ObjectTensors(id, in: source)
    }
}

extension Array where Element: Hashable {
    /// Each element once, where it stands first.
    func withoutRepetitions() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
