/// Resizes volumes as scikit-image's `resize(mode="edge", anti_aliasing=False)` does: axis by axis, since its kernels are
/// separable.
public enum Resizing {
    /// Splines of the given order; the result is kept within the input's range, as scikit-image does.
    ///
    /// - Parameters:
    ///   - volume: any rank; `shape` has as many axes.
    ///   - order: 0 (nearest), 1 (linear) or 3 (cubic B-spline).
    public static func spline(_ volume: Volume<Float>, to shape: [Int], order: Int, threads: Int = 1) throws -> Volume<
        Float
    > {
        precondition(volume.rank == shape.count && [0, 1, 3].contains(order))
        guard volume.shape != shape, !volume.elements.isEmpty else { return volume }
        let kernel: AxisInterpolation.Kernel = order == 0 ? .nearest : order == 1 ? .linear : .cubic
        var current = volume.elements.map(Double.init)
        var currentShape = volume.shape
        // What shrinks most goes first: the rest then has less to do.
        let axes = shape.indices.filter { shape[$0] != currentShape[$0] }
            .sorted { Double(shape[$0]) / Double(volume.shape[$0]) < Double(shape[$1]) / Double(volume.shape[$1]) }
        for axis in axes {
            current = try resizedAxis(current, currentShape, axis, to: shape[axis], kernel, threads: threads)
            currentShape[axis] = shape[axis]
        }
        guard order > 0 else { return Volume(shape: shape, elements: current.map { Float($0) }) }
        var (low, high) = (Float.infinity, -Float.infinity)
        for value in volume.elements {
            low = min(low, value)
            high = max(high, value)
        }
        return Volume(shape: shape, elements: current.map { max(low, min(high, Float($0))) })
    }

    /// One axis of a volume, block by block of neighbouring lines.
    private static func resizedAxis(
        _ values: [Double], _ shape: [Int], _ axis: Int, to target: Int, _ kernel: AxisInterpolation.Kernel,
        threads: Int
    ) throws -> [Double] {
        let source = shape[axis]
        let outer = shape[..<axis].reduce(1, *)
        let inner = shape[(axis + 1)...].reduce(1, *)
        let interpolation = AxisInterpolation(from: source, to: target, kernel)
        let padding = kernel == .cubic ? CubicSpline.padding : 0
        // Lines are taken `width` at a time: neighbours along the inner axes, or, on the last axis, whole rows turned.
        let isLast = inner == 1
        let lines = isLast ? outer : inner
        let width = min(64, lines)
        let blocks = (lines + width - 1) / width
        let jobs = isLast ? blocks : outer * blocks
        return try [Double](unsafeUninitializedCapacity: outer * target * inner) { output, initialized in
            nonisolated(unsafe) let out = output.baseAddress!
            try values.withUnsafeBufferPointer { input in
                nonisolated(unsafe) let from = input.baseAddress!
                try concurrently(jobs, threads: threads) { job in
                    let line = (isLast ? job : job % blocks) * width
                    let count = min(width, lines - line)
                    let length = source + 2 * padding
                    withUnsafeTemporaryAllocation(of: Double.self, capacity: length * count) { scratch in
                        let buffer = scratch.baseAddress!
                        let base = isLast ? line * source : (job / blocks) * source * inner + line
                        let (alongAxis, alongLines) = isLast ? (1, source) : (inner, 1)
                        for i in 0..<length {
                            let row = from + base + max(0, min(source - 1, i - padding)) * alongAxis
                            for c in 0..<count { buffer[i * count + c] = row[c * alongLines] }
                        }
                        if kernel == .cubic { CubicSpline.filter(buffer, length: length, width: count) }
                        let target0 = isLast ? line * target : (job / blocks) * target * inner + line
                        let (outAxis, outLines) = isLast ? (1, target) : (inner, 1)
                        interpolation.first.withUnsafeBufferPointer { first in
                            interpolation.weights.withUnsafeBufferPointer { weights in
                                for j in 0..<target {
                                    let rows = buffer + first[j] * count
                                    let row = out + target0 + j * outAxis
                                    switch kernel {
                                    case .nearest: for c in 0..<count { row[c * outLines] = rows[c] }
                                    case .linear:
                                        let (a, b) = (weights[2 * j], weights[2 * j + 1])
                                        let second = b == 0 ? rows : rows + count
                                        for c in 0..<count { row[c * outLines] = a * rows[c] + b * second[c] }
                                    case .cubic:
                                        let (a, b, d, e) = (
                                            weights[4 * j], weights[4 * j + 1], weights[4 * j + 2], weights[4 * j + 3]
                                        )
                                        for c in 0..<count {
                                            row[c * outLines] =
                                                a * rows[c] + b * rows[count + c] + d * rows[2 * count + c] + e
                                                * rows[3 * count + c]
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            initialized = outer * target * inner
        }
    }

    /// Labels: each label's share of a voxel is interpolated linearly, and the largest share wins; ties go to the label of
    /// the nearest voxel, else to the lowest. The rule of batchgenerators from 0.25.4 on.
    ///
    /// - Parameter volume: shape (z, y, x) or (y, x).
    public static func labels(_ volume: Volume<Int16>, to shape: [Int], threads: Int = 1) throws -> Volume<Int16> {
        precondition(volume.rank == shape.count && (2...3).contains(shape.count))
        guard volume.shape != shape, !volume.elements.isEmpty else { return volume }
        let source = [Int](repeating: 1, count: 3 - volume.rank) + volume.shape
        let target = [Int](repeating: 1, count: 3 - shape.count) + shape
        let linear = (0..<3).map { AxisInterpolation(from: source[$0], to: target[$0], .linear) }
        let nearest = (0..<3).map { AxisInterpolation(from: source[$0], to: target[$0], .nearest).first }
        return try Volume(
            shape: shape,
            unsafeUninitialized: { output in
                nonisolated(unsafe) let out = output.baseAddress!
                try volume.elements.withUnsafeBufferPointer { input in
                    nonisolated(unsafe) let from = input.baseAddress!
                    try concurrently(target[0], threads: threads) { z in
                        let plane = source[1] * source[2]
                        func second(_ axis: Int, _ index: Int) -> Int {
                            min(linear[axis].first[index] + 1, source[axis] - 1)
                        }
                        let zs = [linear[0].first[z] * plane, second(0, z) * plane]
                        for y in 0..<target[1] {
                            let ys = [linear[1].first[y] * source[2], second(1, y) * source[2]]
                            let rows = (
                                from + zs[0] + ys[0], from + zs[0] + ys[1], from + zs[1] + ys[0], from + zs[1] + ys[1]
                            )
                            let (wz, wy) = (linear[0].weights[2 * z + 1], linear[1].weights[2 * y + 1])
                            let row = out + (z * target[1] + y) * target[2]
                            for x in 0..<target[2] {
                                let (x0, x1) = (linear[2].first[x], second(2, x))
                                let first = rows.0[x0]
                                if rows.0[x1] == first, rows.1[x0] == first, rows.1[x1] == first, rows.2[x0] == first,
                                    rows.2[x1] == first, rows.3[x0] == first, rows.3[x1] == first
                                {
                                    row[x] = first
                                    continue
                                }
                                let wx = linear[2].weights[2 * x + 1]
                                let near = from[nearest[0][z] * plane + nearest[1][y] * source[2] + nearest[2][x]]
                                row[x] = vote(
                                    (
                                        first, rows.0[x1], rows.1[x0], rows.1[x1], rows.2[x0], rows.2[x1], rows.3[x0],
                                        rows.3[x1]
                                    ), wz, wy, wx, near)
                            }
                        }
                    }
                }
            })
    }

    private typealias Corners = (Int16, Int16, Int16, Int16, Int16, Int16, Int16, Int16)

    /// The label with the largest share among the eight corners of a cell.
    private static func vote(_ corners: Corners, _ wz: Double, _ wy: Double, _ wx: Double, _ nearest: Int16) -> Int16 {
        withUnsafeTemporaryAllocation(of: Int16.self, capacity: 8) { labels in
            withUnsafeTemporaryAllocation(of: Double.self, capacity: 8) { shares in
                var count = 0
                withUnsafeBytes(of: corners) { raw in
                    let labelsOfCorners = raw.bindMemory(to: Int16.self)
                    for corner in 0..<8 {
                        let share =
                            (corner & 4 == 0 ? 1 - wz : wz) * (corner & 2 == 0 ? 1 - wy : wy)
                            * (corner & 1 == 0 ? 1 - wx : wx)
                        let label = labelsOfCorners[corner]
                        var slot = 0
                        while slot < count, labels[slot] != label { slot += 1 }
                        if slot == count {
                            labels[slot] = label
                            shares[slot] = 0
                            count += 1
                        }
                        shares[slot] += share
                    }
                }
                var best = 0.0
                for slot in 0..<count { best = max(best, shares[slot]) }
                let tolerance = 1e-12
                var winner = Int16.max
                for slot in 0..<count where shares[slot] >= best - tolerance {
                    if labels[slot] == nearest { return nearest }
                    winner = min(winner, labels[slot])
                }
                return winner
            }
        }
    }
}
