/// Exact Euclidean distances on anisotropic grids.
public enum EuclideanDistance {
    /// The distance of every voxel to the nearest true voxel, in the units of `spacing`; infinite where there is none.
    ///
    /// Lower envelopes of parabolas, axis by axis (Felzenszwalb and Huttenlocher, "Distance transforms of sampled
    /// functions", 2012); exact up to rounding, linear in the number of voxels.
    /// - Parameters:
    ///   - spacing: between voxels along each axis of the mask.
    ///   - threads: lines of an axis are shared out among them.
    public static func toNearest(of mask: Volume<Bool>, spacing: [Double], threads: Int = 1) -> Volume<Float> {
        precondition(spacing.count == mask.shape.count, "\(spacing.count) spacings for \(mask.shape.count) axes")
        var squares = mask.elements.map { $0 ? Float(0) : Float.infinity }
        for axis in mask.shape.indices.reversed() {
            squares = transform(squares, shape: mask.shape, axis: axis, spacing: spacing[axis], threads: threads)
        }
        squares.withUnsafeMutableBufferPointer { squares in
            for index in squares.indices { squares[index] = squares[index].squareRoot() }
        }
        return Volume(shape: mask.shape, elements: squares)
    }

    private static func transform(
        _ input: [Float], shape: [Int], axis: Int, spacing: Double, threads: Int
    ) -> [Float] {
        let length = shape[axis]
        let inner = shape[(axis + 1)...].reduce(1, *)
        let outer = shape[..<axis].reduce(1, *)
        guard length > 0, inner > 0, outer > 0 else { return input }
        return [Float](unsafeUninitializedCapacity: input.count) { output, initialized in
            nonisolated(unsafe) let target = output
            let blocks = max(1, min(threads, outer * inner))
            input.withUnsafeBufferPointer { source in
                nonisolated(unsafe) let source = source
                // The work of an index cannot fail.
                try? concurrently(blocks, threads: threads) { block in
                    var envelope = LowerEnvelope(length: length, spacing: spacing)
                    for line in outer * inner * block / blocks..<outer * inner * (block + 1) / blocks {
                        let start = line / inner * length * inner + line % inner
                        envelope.transform(source, target, start: start, stride: inner)
                    }
                }
            }
            initialized = input.count
        }
    }
}

/// The pointwise smallest of parabolas (x − p)² + f(p) along one line.
private struct LowerEnvelope {
    private let length: Int
    private let square: Double
    /// Positions of the parabolas of the envelope, and where each begins to be the lowest.
    private var vertices: [Int]
    private var heights: [Double]
    private var starts: [Double]

    init(length: Int, spacing: Double) {
        self.length = length
        square = spacing * spacing
        vertices = Array(repeating: 0, count: length)
        heights = Array(repeating: 0, count: length)
        starts = Array(repeating: 0, count: length + 1)
    }

    mutating func transform(
        _ source: UnsafeBufferPointer<Float>, _ target: UnsafeMutableBufferPointer<Float>, start: Int, stride: Int
    ) {
        var last = -1
        for position in 0..<length {
            let value = source[start + position * stride]
            guard value < .infinity else { continue }
            // In units of the spacing, so that positions are whole numbers.
            let height = Double(value) / square
            var crossing = -Double.infinity
            while last >= 0 {
                let vertex = vertices[last]
                crossing =
                    (height - heights[last] + Double(position * position - vertex * vertex))
                    / Double(2 * (position - vertex))
                if crossing > starts[last] { break }
                last -= 1
                crossing = -.infinity
            }
            last += 1
            vertices[last] = position
            heights[last] = height
            starts[last] = crossing
        }
        guard last >= 0 else {
            for position in 0..<length { target[start + position * stride] = .infinity }
            return
        }
        starts[last + 1] = .infinity
        var current = 0
        for position in 0..<length {
            while starts[current + 1] < Double(position) { current += 1 }
            let distance = Double(position - vertices[current])
            target[start + position * stride] = Float((distance * distance + heights[current]) * square)
        }
    }
}
