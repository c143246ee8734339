/// Tensors of which those of one type are read as another, piece by piece: no second model is made.
public struct ConvertedTensors: TensorSource {
    public let descriptions: [TensorDescription]
    private let source: any TensorSource
    private let from: ScalarType
    private let to: ScalarType
    private let isConverted: [Bool]

    public init(_ source: any TensorSource, from: ScalarType, to: ScalarType) {
        (self.source, self.from, self.to) = (source, from, to)
        let own = source.descriptions
        isConverted = own.map { $0.type == from }
        descriptions = own.map { description in
            description.type == from
                ? TensorDescription(name: description.name, shape: description.shape, type: to) : description
        }
    }

    public func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard isConverted[index] else { return try source.withBytes(of: index, in: range, scratch: scratch, body) }
        let elements = range.lowerBound / to.byteCount..<(range.upperBound + to.byteCount - 1) / to.byteCount
        let work = UnsafeMutableRawBufferPointer.allocate(
            byteCount: elements.count * (8 + from.byteCount + to.byteCount), alignment: 64)
        defer { work.deallocate() }
        let sums = work.baseAddress!.assumingMemoryBound(to: Double.self)
        let read = UnsafeMutableRawBufferPointer(
            rebasing: work[(elements.count * 8)...].prefix(elements.count * from.byteCount))
        let output = work.baseAddress! + elements.count * (8 + from.byteCount)
        sums.update(repeating: 0, count: elements.count)
        let bytes = elements.lowerBound * from.byteCount..<elements.upperBound * from.byteCount
        try source.withBytes(of: index, in: bytes, scratch: read) { from.accumulate([$0], weights: [1], into: sums) }
        to.store(sums, count: elements.count, to: output)
        let first = range.lowerBound - elements.lowerBound * to.byteCount
        return try body(UnsafeRawBufferPointer(start: output + first, count: range.count))
    }
}
