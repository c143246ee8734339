import Dispatch
import Federation
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A model's tensors, read piece by piece when they are needed: from memory, or from objects in a store.
public struct ArrayRecord: Sendable {
    public var tensors: any TensorSource

    public init(_ tensors: any TensorSource) { self.tensors = tensors }

    /// Writes each tensor as an array, in chunks, on all cores; each has at most one chunk in memory.
    func write(to sink: some ObjectSink) throws -> ObjectTree {
        let descriptions = tensors.descriptions
        var names: Set<String> = []
        for tensor in descriptions where !names.insert(tensor.name).inserted {
            throw FleetError.record("two tensors are called \(tensor.name)")
        }
        let written = try forEachInParallel(descriptions.count, scratchBytes: ObjectHead.longestChunk) {
            try writeArray($0, $1, to: sink)
        }
        var objects = written.flatMap { array in array.chunks.map { ($0, []) } + [(array.id, array.chunks)] }
        let record = FleetObject(
            .arrayRecord, children: written.map(\.id).withoutRepetitions(),
            body: JSONText.write(zip(descriptions, written).map { ($0.name, $1.id.description) }))
        objects.append((try sink.put(record), record.head.children))
        return ObjectTree(objects)
    }

    private func writeArray(
        _ index: Int, _ buffer: UnsafeMutableRawBufferPointer, to sink: some ObjectSink
    ) throws -> (id: ObjectID, chunks: [ObjectID]) {
        let tensor = tensors.descriptions[index]
        let chunks = try writeChunks(of: index, tensor, buffer, to: sink)
        let distinct = chunks.withoutRepetitions()
        let array = FleetObject(
            .array, children: distinct,
            body: ArrayDescription(
                type: tensor.type, shape: tensor.shape, chunks: chunks.map { distinct.firstIndex(of: $0)! }
            ).body)
        return (try sink.put(array), distinct)
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

/// Calls `body` for every index, on all cores, each with memory of its own.
///
/// - Returns: the results in the order of the indices.
private func forEachInParallel<Result: Sendable>(
    _ count: Int, scratchBytes: Int, _ body: (Int, UnsafeMutableRawBufferPointer) throws -> Result
) throws -> [Result] {
    let next = Atomic(0)
    let results = Mutex<(values: [Result?], error: (any Error)?)>((Array(repeating: nil, count: count), nil))
    withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let body = body
        let workers = min(count, ProcessInfo.processInfo.activeProcessorCount)
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchBytes, alignment: 64)
            defer { scratch.deallocate() }
            while results.withLock({ $0.error == nil }) {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                do {
                    let value = try body(index, scratch)
                    results.withLock { $0.values[index] = value }
                } catch {
                    results.withLock { $0.error = $0.error ?? error }
                }
            }
        }
    }
    return try results.withLock { results in
        if let error = results.error { throw error }
        return results.values.map { $0! }
    }
}
