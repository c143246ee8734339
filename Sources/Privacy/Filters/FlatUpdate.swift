import Federation

/// An update's float32 tensors as one long vector, and what stays beside it: how filters that look at all values at once
/// see it.
struct FlatUpdate {
    /// Float32 tensors with a dimension at least, whose values follow each other in `values`.
    let tensors: [TensorDescription]
    /// Tensors that go past the filter.
    let others: Weights
    var values: [Float]

    enum Order { case ofUpdate, byName }

    /// - Parameter isStrict: whether a tensor with dimensions that is not float32 is refused, since it would leave as it is.
    /// - Throws: `PrivacyError.refused` for what is not finite, and for what the filter cannot take.
    init(_ update: ModelUpdate, for filter: String, order: Order = .ofUpdate, isStrict: Bool) throws {
        if let bad = try update.tensors.firstNonFinite() {
            throw PrivacyError.refused(
                "\(bad.name) holds NaN or infinite values, which the filter \(filter) does not let out. Train with a "
                    + "lower learning rate, or without mixed precision.")
        }
        let all = update.tensors.descriptions
        func isDense(_ tensor: TensorDescription) -> Bool { !tensor.shape.isEmpty && tensor.type == .float32 }
        func mayPass(_ tensor: TensorDescription) -> Bool {
            tensor.shape.isEmpty || tensor.name == partName("layout", of: "exclude")
        }
        if isStrict, let odd = all.first(where: { !isDense($0) && !mayPass($0) }) {
            throw PrivacyError.refused(
                "\(odd.name) is of type \(odd.type.rawValue), which the filter \(filter) cannot read: it takes float32. "
                    + "Do not share this tensor, or let the filter come before those that change types.")
        }
        var dense = all.indices.filter { isDense(all[$0]) }
        if order == .byName { dense.sort { all[$0].name.utf8.lexicographicallyPrecedes(all[$1].name.utf8) } }
        tensors = dense.map { all[$0] }
        let source = update.tensors
        others = Weights(try all.indices.filter { !isDense(all[$0]) }.map { try source.tensor($0) })
        let count = tensors.reduce(0) { $0 + $1.count }
        values = try [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in dense {
                let range = filled..<filled + all[index].count
                let part = UnsafeMutableBufferPointer(rebasing: buffer[range])
                try source.read(index, into: UnsafeMutableRawBufferPointer(part))
                filled = range.upperBound
            }
        }
    }

    /// The values of tensors without a dimension.
    var scalars: [Double] {
        get throws { try others.tensors.filter { $0.shape.isEmpty }.map { try $0.scalar } }
    }

    /// Tensors of these shapes with other values, and the others as they were.
    func weights(_ values: [Float]) -> Weights {
        var start = 0
        var result = Weights()
        for description in tensors {
            let range = start..<start + description.count
            start = range.upperBound
            result.set(
                Weights.Tensor(
                    description,
                    storage: TensorStorage(byteCount: description.byteCount) { buffer in
                        values.withUnsafeBytes {
                            buffer.copyMemory(
                                from: UnsafeRawBufferPointer(
                                    rebasing: $0[range.lowerBound * 4..<range.upperBound * 4]))
                        }
                    }))
        }
        for tensor in others.tensors { result.set(tensor) }
        return result
    }
}
