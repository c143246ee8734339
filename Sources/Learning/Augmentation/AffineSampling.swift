/// Samples a patch on a rotated and scaled grid: the image trilinearly with zeros outside, and for each voxel the label
/// whose one-hot volume, sampled the same way with label −1 outside, is largest.
///
/// Scores are compared as batchgeneratorsv2 0.3.6 does: times 1000, rounded to half precision; the nearest voxel's label
/// wins a tie that it takes part in, else the smallest label.
///
/// The rows of the patch are cut into what lies outside of the source, the border, and the inside, whose voxels need no
/// checks. Labels are weighed only where the eight neighbours differ.
struct AffineSampling {
    var source: BorrowedVolume
    var grid: AffineGrid
    /// Whether z is a stack of slices that are never mixed.
    var isPlanar: Bool
    var imageInterpolation = AugmentationSettings.Interpolation.linear
    var labelInterpolation = AugmentationSettings.Interpolation.linear

    /// - Parameter scratch: room for the offsets and weights of one row.
    func run(into sample: SampleBuffer, scratch: AugmentationScratch) {
        let shape = sample.shape
        let width = shape[2]
        guard !source.isEmpty else {
            sample.labels.update(repeating: -1, count: sample.voxels)
            sample.image.update(repeating: 0, count: sample.voxels * sample.channels)
            return
        }
        let row = scratch.row(width: width)
        let lower = SIMD3<Double>(Double(source.lower[0]), Double(source.lower[1]), Double(source.lower[2]))
        let isLinear = imageInterpolation == .linear
        for z in 0..<shape[0] {
            for y in 0..<shape[1] {
                let start = grid.row(z: z, y: y) - lower
                let offset = (z * shape[1] + y) * width
                let touched = columns(from: start, width: width, margin: 1 + 1e-3)
                let all = isLinear ? columns(from: start, width: width, margin: -1e-3) : 0..<0
                let inside = all.clamped(to: touched)
                fill(sample, offset: offset, columns: 0..<touched.lowerBound)
                for x in touched.lowerBound..<inside.lowerBound { sampleOne(sample, offset + x, start, x) }
                if !inside.isEmpty { sampleInside(sample, offset, start, inside, row) }
                for x in inside.upperBound..<touched.upperBound { sampleOne(sample, offset + x, start, x) }
                fill(sample, offset: offset, columns: touched.upperBound..<width)
            }
        }
    }

    /// The columns of a row that lie in −margin…extent − 1 + margin along each axis.
    private func columns(from start: SIMD3<Double>, width: Int, margin: Double) -> Range<Int> {
        var first = 0.0
        var last = Double(width - 1)
        for axis in 0..<3 {
            var margin = margin
            // A slice is inside when it exists: nothing is mixed along z, and it never changes along a row.
            if axis == 0 && isPlanar { margin = 0.25 }
            let low = -margin
            let high = Double(source.extent[axis] - 1) + margin
            let step = grid.steps.x[axis]
            if abs(step) < 1e-9 {
                if start[axis] < low || start[axis] > high { return 0..<0 }
            } else {
                let (a, b) = ((low - start[axis]) / step, (high - start[axis]) / step)
                first = max(first, min(a, b))
                last = min(last, max(a, b))
            }
        }
        guard first <= last else { return 0..<0 }
        let from = Int(first.rounded(.up))
        let to = Int(last.rounded(.down)) + 1
        return from < to ? from..<to : 0..<0
    }

    private func fill(_ sample: SampleBuffer, offset: Int, columns: Range<Int>) {
        guard !columns.isEmpty else { return }
        (sample.labels + offset + columns.lowerBound).update(repeating: -1, count: columns.count)
        for channel in 0..<sample.channels {
            (sample.channel(channel) + offset + columns.lowerBound).update(repeating: 0, count: columns.count)
        }
    }

    // MARK: Inside

    @inline(__always)
    private func sampleInside(
        _ sample: SampleBuffer, _ offset: Int, _ start: SIMD3<Double>, _ columns: Range<Int>,
        _ row: AugmentationScratch.Row
    ) {
        prepare(start, columns, row)
        let strideZ = isPlanar ? 0 : source.strides.z
        let strideY = source.strides.y
        let count = columns.count
        for channel in 0..<sample.channels {
            let base = UnsafeRawPointer(source.image + channel * source.channelStride)
            let output = sample.channel(channel) + offset + columns.lowerBound
            let (upY, upZ) = (strideY * 4, strideZ * 4)
            for index in 0..<count {
                let corner = base + Int(row.offsets[index]) * 4
                let near = SIMD4(
                    lowHalf: corner.loadUnaligned(as: SIMD2<Float>.self),
                    highHalf: (corner + upY).loadUnaligned(as: SIMD2<Float>.self))
                let far = SIMD4(
                    lowHalf: (corner + upZ).loadUnaligned(as: SIMD2<Float>.self),
                    highHalf: (corner + upZ + upY).loadUnaligned(as: SIMD2<Float>.self))
                let plane = near + (far - near) * row.z[index]
                let line = plane.lowHalf + (plane.highHalf - plane.lowHalf) * row.y[index]
                output[index] = line[0] + (line[1] - line[0]) * row.x[index]
            }
        }
        if labelInterpolation == .nearest {
            for column in columns {
                sample.labels[offset + column] = nearestLabel(at: start + grid.steps.x * Double(column))
            }
            return
        }
        let base = UnsafeRawPointer(source.labels)
        let output = sample.labels + offset + columns.lowerBound
        let (upY, upZ) = (strideY * 2, strideZ * 2)
        for index in 0..<count {
            let corner = base + Int(row.offsets[index]) * 2
            let a = corner.loadUnaligned(as: UInt32.self)
            let b = (corner + upY).loadUnaligned(as: UInt32.self)
            let c = (corner + upZ).loadUnaligned(as: UInt32.self)
            let d = (corner + upZ + upY).loadUnaligned(as: UInt32.self)
            let turned = a &<< 16 | a &>> 16
            if (a ^ b) | (a ^ c) | (a ^ d) | (a ^ turned) == 0 {
                output[index] = Int16(truncatingIfNeeded: a)
            } else {
                let labels = SIMD8<Int16>(
                    lowHalf: SIMD4(lowHalf: pair(a), highHalf: pair(b)), highHalf: SIMD4(lowHalf: pair(c), highHalf: pair(d)))
                let position = start + grid.steps.x * Double(columns.lowerBound + index)
                output[index] = vote(labels, z: row.z[index], y: row.y[index], x: row.x[index], at: position)
            }
        }
    }

    /// Offsets of the lower corners and the three weights, for a run of columns whose neighbours all exist.
    @inline(__always)
    private func prepare(_ start: SIMD3<Double>, _ columns: Range<Int>, _ row: AugmentationScratch.Row) {
        var first = start + grid.steps.x * Double(columns.lowerBound)
        var step = SIMD3<Float>(grid.steps.x)
        if isPlanar {  // Slices are whole.
            first[0] = first[0].rounded()
            step[0] = 0
        }
        let lanes = SIMD8<Float>(0, 1, 2, 3, 4, 5, 6, 7)
        let (strideZ, strideY) = (Int32(source.strides.z), Int32(source.strides.y))
        var index = 0
        while index < columns.count {
            let along = lanes + Float(index)
            let (z, wholeZ) = Self.split(Float(first[0]) + along * step[0])
            let (y, wholeY) = Self.split(Float(first[1]) + along * step[1])
            let (x, wholeX) = Self.split(Float(first[2]) + along * step[2])
            row.z.store8(z, at: index)
            row.y.store8(y, at: index)
            row.x.store8(x, at: index)
            let offsets = wholeZ &* strideZ &+ wholeY &* strideY &+ wholeX
            UnsafeMutableRawPointer(row.offsets + index).storeBytes(of: offsets, as: SIMD8<Int32>.self)
            index += 8
        }
    }

    /// The fraction above the next lower whole number, and that number; for numbers not below −½.
    @inline(__always)
    private static func split(_ value: SIMD8<Float>) -> (SIMD8<Float>, SIMD8<Int32>) {
        let (rounded, integer) = VectorMath.nearest(value)
        let isAbove = rounded .> value
        let below = rounded.replacing(with: rounded - 1, where: isAbove)
        return (value - below, integer.replacing(with: integer &- 1, where: isAbove))
    }

    @inline(__always)
    private func pair(_ word: UInt32) -> SIMD2<Int16> {
        SIMD2(Int16(truncatingIfNeeded: word), Int16(truncatingIfNeeded: word >> 16))
    }

    // MARK: Labels

    /// The winner among eight neighbours, in the order zyx = 000, 001, 010, … 111, which are not all alike.
    private func vote(_ neighbours: SIMD8<Int16>, z: Float, y: Float, x: Float, at position: SIMD3<Double>) -> Int16 {
        let ofX = SIMD2(1 - x, x)
        let ofYX = SIMD4(lowHalf: ofX * (1 - y), highHalf: ofX * y)
        let weights = SIMD8(lowHalf: ofYX * (1 - z), highHalf: ofYX * z)
        let labels = SIMD8<Int32>(truncatingIfNeeded: neighbours)
        var best = -Float.infinity
        var winner = Int32.max
        var remaining = SIMDMask<SIMD8<Int32>>(repeating: true)
        for lane in 0..<8 where remaining[lane] {
            let label = labels[lane]
            let isLabel = labels .== label
            remaining = remaining .& .!isLabel
            let score = Self.score(of: label, labels, weights)
            if score > best || (score == best && label < winner) {
                best = score
                winner = label
            }
        }
        let nearest = nearestLabel(at: position)
        if Int32(nearest) != winner && Self.score(of: Int32(nearest), labels, weights) == best { return nearest }
        return Int16(truncatingIfNeeded: winner)
    }

    /// A label's share, times 1000, rounded to eleven significant bits as half precision does.
    @inline(__always)
    private static func score(of label: Int32, _ labels: SIMD8<Int32>, _ weights: SIMD8<Float>) -> Float {
        let shares = weights.replacing(with: 0, where: labels .!= label)
        let half = shares.lowHalf + shares.highHalf
        let quarter = half.lowHalf + half.highHalf
        let bits = ((quarter[0] + quarter[1]) * 1000).bitPattern
        return Float(bitPattern: (bits &+ 0xFFF &+ ((bits &>> 13) & 1)) & ~0x1FFF)
    }

    /// Halves go to the even index of the initial patch.
    private func nearestLabel(at position: SIMD3<Double>) -> Int16 {
        var index = SIMD3<Int>()
        for axis in 0..<3 {
            let lower = source.lower[axis]
            index[axis] = Int((Float(position[axis]) + Float(lower)).rounded(.toNearestOrEven)) - lower
            if index[axis] < 0 || index[axis] >= source.extent[axis] { return -1 }
        }
        return source.labels[index[0] * source.strides.z + index[1] * source.strides.y + index[2]]
    }

    // MARK: Border

    /// A voxel of which some neighbours may lie outside, or that is sampled from its nearest one.
    private func sampleOne(_ sample: SampleBuffer, _ output: Int, _ start: SIMD3<Double>, _ column: Int) {
        let position = start + grid.steps.x * Double(column)
        var whole = SIMD3<Int>()
        var fraction = SIMD3<Float>()
        for axis in 0..<3 {
            let floor = (axis == 0 && isPlanar ? position[0].rounded() : position[axis].rounded(.down))
            whole[axis] = Int(floor)
            fraction[axis] = axis == 0 && isPlanar ? 0 : Float(position[axis] - floor)
        }
        var offsets = SIMD8<Int>(repeating: -1)
        for corner in 0..<8 {
            let z = whole[0] + (isPlanar ? 0 : corner >> 2)
            let y = whole[1] + (corner >> 1 & 1)
            let x = whole[2] + (corner & 1)
            if z >= 0, z < source.extent[0], y >= 0, y < source.extent[1], x >= 0, x < source.extent[2] {
                offsets[corner] = z * source.strides.z + y * source.strides.y + x
            }
        }
        for channel in 0..<sample.channels {
            let base = source.image + channel * source.channelStride
            var value: Float = 0
            if imageInterpolation == .nearest {
                if let offset = nearestOffset(at: position) { value = base[offset] }
            } else {
                for corner in 0..<8 where offsets[corner] >= 0 {
                    let z = corner & 4 == 0 ? 1 - fraction[0] : fraction[0]
                    let y = corner & 2 == 0 ? 1 - fraction[1] : fraction[1]
                    let x = corner & 1 == 0 ? 1 - fraction[2] : fraction[2]
                    value += base[offsets[corner]] * (z * y * x)
                }
            }
            sample.channel(channel)[output] = value
        }
        if labelInterpolation == .nearest {
            sample.labels[output] = nearestLabel(at: position)
            return
        }
        var labels = SIMD8<Int16>(repeating: -1)
        for corner in 0..<8 where offsets[corner] >= 0 { labels[corner] = source.labels[offsets[corner]] }
        let isUniform = labels == SIMD8(repeating: labels[0])
        sample.labels[output] =
            isUniform ? labels[0] : vote(labels, z: fraction[0], y: fraction[1], x: fraction[2], at: position)
    }

    private func nearestOffset(at position: SIMD3<Double>) -> Int? {
        var offset = 0
        for axis in 0..<3 {
            let lower = source.lower[axis]
            let index = Int((Float(position[axis]) + Float(lower)).rounded(.toNearestOrEven)) - lower
            guard index >= 0 && index < source.extent[axis] else { return nil }
            offset += index * (axis == 0 ? source.strides.z : axis == 1 ? source.strides.y : 1)
        }
        return offset
    }
}
