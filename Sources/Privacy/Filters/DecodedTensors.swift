import Federation

/// Float32 tensors that are made from an encoded form as they are read, and others that are read as they are.
///
/// What a layout claims takes no memory: an update is checked against the plan before its values are read.
protocol DecodedTensors: TensorSource {
    /// The decoded ones, which stand first among `descriptions`.
    var decoded: [TensorDescription] { get }
    var source: any TensorSource { get }
    /// The places of the others in the source.
    var others: [Int] { get }
    /// Where each decoded tensor's values begin among all of them.
    var starts: [Int] { get }
    /// Sets every value of a range of one decoded tensor.
    ///
    /// - Parameter range: among the values of all decoded tensors.
    func decode(_ tensor: Int, _ range: Range<Int>, into values: UnsafeMutableBufferPointer<Float>) throws
}

extension DecodedTensors {
    var descriptions: [TensorDescription] { decoded + others.map { source.descriptions[$0] } }

    static func starts(_ tensors: [TensorDescription]) -> [Int] {
        tensors.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    }

    func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard index < decoded.count else {
            return try source.withBytes(of: others[index - decoded.count], in: range, scratch: scratch, body)
        }
        let elements = range.lowerBound / 4..<(range.upperBound + 3) / 4
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: elements.count)
        defer { values.deallocate() }
        let start = starts[index]
        try decode(index, start + elements.lowerBound..<start + elements.upperBound, into: values)
        let first = range.lowerBound - elements.lowerBound * 4
        return try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(values)[first..<first + range.count]))
    }
}
