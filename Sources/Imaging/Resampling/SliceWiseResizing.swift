/// Resizing for anisotropic volumes: every slice in its plane, then the nearest slice along the coarse axis.
extension Resizing {
    public static func sliceWise(
        _ volume: Volume<Float>, to shape: [Int], axis: Int, order: Int, threads: Int = 1
    ) throws -> Volume<Float> {
        try sliceWise(volume, to: shape, axis: axis, threads: threads) { try spline($0, to: $1, order: order) }
    }

    public static func sliceWiseLabels(_ volume: Volume<Int16>, to shape: [Int], axis: Int, threads: Int = 1) throws
        -> Volume<Int16>
    {
        try sliceWise(volume, to: shape, axis: axis, threads: threads) { try labels($0, to: $1) }
    }

    private static func sliceWise<Element>(
        _ volume: Volume<Element>, to shape: [Int], axis: Int, threads: Int,
        _ resize: @Sendable (Volume<Element>, [Int]) throws -> Volume<Element>
    ) throws -> Volume<Element> {
        guard volume.shape != shape, let filler = volume.elements.first else { return volume }
        let plane = shape.indices.filter { $0 != axis }
        let sourcePlane = plane.map { volume.shape[$0] }
        let targetPlane = plane.map { shape[$0] }
        let steps = volume.strides
        let targetSteps = Volume<Element>.strides(of: shape)
        let sources = AxisInterpolation(from: volume.shape[axis], to: shape[axis], .nearest).first
        // Targets of each source slice: a slice that nothing takes is not resized.
        var targets = [[Int]](repeating: [], count: volume.shape[axis])
        for (target, source) in sources.enumerated() { targets[source].append(target) }
        let wanted = targets
        return try Volume(
            shape: shape,
            unsafeUninitialized: { output in
                nonisolated(unsafe) let out = output.baseAddress!
                try concurrently(volume.shape[axis], threads: threads) { slice in
                    guard !wanted[slice].isEmpty else { return }
                    var elements = [Element](repeating: filler, count: sourcePlane[0] * sourcePlane[1])
                    volume.elements.withUnsafeBufferPointer { from in
                        for i in 0..<sourcePlane[0] {
                            let start = slice * steps[axis] + i * steps[plane[0]]
                            for j in 0..<sourcePlane[1] {
                                elements[i * sourcePlane[1] + j] = from[start + j * steps[plane[1]]]
                            }
                        }
                    }
                    let resized = try resize(Volume(shape: sourcePlane, elements: elements), targetPlane)
                    resized.elements.withUnsafeBufferPointer { from in
                        for target in wanted[slice] {
                            for i in 0..<targetPlane[0] {
                                let start = target * targetSteps[axis] + i * targetSteps[plane[0]]
                                for j in 0..<targetPlane[1] {
                                    (out + start + j * targetSteps[plane[1]]).initialize(
                                        to: from[i * targetPlane[1] + j])
                                }
                            }
                        }
                    }
                }
            })
    }
}
