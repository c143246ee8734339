extension Volume {
    /// A box of the array; its ranges must lie inside.
    public func cropped(to box: [Range<Int>]) -> Volume {
        precondition(box.count == rank && zip(box, shape).allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= $1 })
        let target = box.map(\.count)
        guard target != shape else { return self }
        let row = target.last ?? 1
        let steps = strides
        return Volume(
            shape: target,
            unsafeUninitialized: { out in
                guard let base = out.baseAddress, !out.isEmpty else { return }
                elements.withUnsafeBufferPointer { from in
                    var index = [Int](repeating: 0, count: rank)
                    var written = 0
                    while written < out.count {
                        var start = 0
                        for axis in 0..<rank { start += (box[axis].lowerBound + index[axis]) * steps[axis] }
                        (base + written).initialize(from: from.baseAddress! + start, count: row)
                        written += row
                        var axis = rank - 2
                        while axis >= 0 {
                            index[axis] += 1
                            if index[axis] < target[axis] { break }
                            index[axis] = 0
                            axis -= 1
                        }
                    }
                }
            })
    }

    /// The axes in another order: axis i of the result is axis `order[i]` of this.
    public func transposed(_ order: [Int]) -> Volume {
        precondition(order.sorted() == Array(0..<rank))
        guard order != Array(0..<rank) else { return self }
        let target = order.map { shape[$0] }
        let steps = order.map { strides[$0] }
        let row = target.last ?? 1
        let step = steps.last ?? 1
        return Volume(
            shape: target,
            unsafeUninitialized: { out in
                guard let base = out.baseAddress, !out.isEmpty else { return }
                elements.withUnsafeBufferPointer { from in
                    var index = [Int](repeating: 0, count: rank)
                    var written = 0
                    while written < out.count {
                        var start = 0
                        for axis in 0..<(rank - 1) { start += index[axis] * steps[axis] }
                        for i in 0..<row { (base + written + i).initialize(to: from[start + i * step]) }
                        written += row
                        var axis = rank - 2
                        while axis >= 0 {
                            index[axis] += 1
                            if index[axis] < target[axis] { break }
                            index[axis] = 0
                            axis -= 1
                        }
                    }
                }
            })
    }
}
