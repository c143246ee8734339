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
        let inverse = 1 / grid.steps.x
        let isLinear = imageInterpolation == .linear
        // In tiles, whose voxels of the source stay in the cache although the rows run through many slices.
        let tile = SIMD3(8, 16, 64)
        for tileZ in stride(from: 0, to: shape[0], by: tile[0]) {
            for tileY in stride(from: 0, to: shape[1], by: tile[1]) {
                let (endZ, endY) = (min(tileZ + tile[0], shape[0]), min(tileY + tile[1], shape[1]))
                var runs: [(touched: Range<Int>, inside: Range<Int>)] = []
                for z in tileZ..<endZ {
                    for y in tileY..<endY {
                        let start = grid.row(z: z, y: y) - lower
                        let touched = columns(from: start, inverse: inverse, width: width, margin: 1 + 1e-3)
                        let all = isLinear ? columns(from: start, inverse: inverse, width: width, margin: -1e-3) : 0..<0
                        runs.append((touched, all.clamped(to: touched)))
                    }
                }
                for tileX in stride(from: 0, to: width, by: tile[2]) {
                    let part = tileX..<min(tileX + tile[2], width)
                    var run = 0
                    for z in tileZ..<endZ {
                        for y in tileY..<endY {
                            let touched = runs[run].touched.clamped(to: part)
                            let inside = runs[run].inside.clamped(to: touched)
                            run += 1
                            let start = grid.row(z: z, y: y) - lower
                            let offset = (z * shape[1] + y) * width
                            fill(sample, offset: offset, columns: part.lowerBound..<touched.lowerBound)
                            for x in touched.lowerBound..<inside.lowerBound { sampleOne(sample, offset + x, start, x) }
                            if !inside.isEmpty { sampleInside(sample, offset, start, inside, row) }
                            for x in inside.upperBound..<touched.upperBound { sampleOne(sample, offset + x, start, x) }
                            fill(sample, offset: offset, columns: touched.upperBound..<part.upperBound)
                        }
                    }
                }
            }
        }
    }

    /// The columns of a row that lie in −margin…extent − 1 + margin along each axis.
    ///
    /// - Parameter inverse: one over the step along a row.
    private func columns(
        from start: SIMD3<Double>, inverse: SIMD3<Double>, width: Int, margin: Double
    ) -> Range<Int> {
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
                let (a, b) = ((low - start[axis]) * inverse[axis], (high - start[axis]) * inverse[axis])
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
                let labels: Neighbourhood = [low(a), high(a), low(b), high(b), low(c), high(c), low(d), high(d)]
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
    private func low(_ pair: UInt32) -> Int16 { Int16(truncatingIfNeeded: pair) }

    @inline(__always)
    private func high(_ pair: UInt32) -> Int16 { Int16(truncatingIfNeeded: pair >> 16) }

    // MARK: Labels

    private typealias Neighbourhood = InlineArray<8, Int16>

    /// The winner among eight neighbours, in the order zyx = 000, 001, 010, … 111, which are not all alike.
    private func vote(_ labels: Neighbourhood, z: Float, y: Float, x: Float, at position: SIMD3<Double>) -> Int16 {
        let (y0, y1) = (1000 * (1 - z) * (1 - y), 1000 * (1 - z) * y)
        let (y2, y3) = (1000 * z * (1 - y), 1000 * z * y)
        let low = 1 - x
        let weights: InlineArray<8, Float> = [y0 * low, y0 * x, y1 * low, y1 * x, y2 * low, y2 * x, y3 * low, y3 * x]
        var best: Float = -1
        var winner: Int16 = 0
        var isTied = false
        var counted: UInt32 = 0
        while counted != 0xFF {
            let label = labels[unchecked: (~counted).trailingZeroBitCount]
            let score = Self.score(of: label, labels, weights, &counted)
            if score > 500 { return label }  // More than all the others together.
            if score > best {
                best = score
                winner = label
                isTied = false
            } else if score == best {
                winner = min(winner, label)
                isTied = true
            }
        }
        guard isTied else { return winner }
        let nearest = nearestLabel(at: position)
        return Self.score(of: nearest, labels, weights, &counted) == best ? nearest : winner
    }

    /// A label's share, out of 1000, rounded to eleven significant bits as half precision does; notes where it is.
    @inline(__always)
    private static func score(
        of label: Int16, _ labels: Neighbourhood, _ weights: InlineArray<8, Float>, _ counted: inout UInt32
    ) -> Float {
        var share: Float = 0
        for index in 0..<8 {
            let isLabel = labels[unchecked: index] == label
            counted |= isLabel ? 1 << UInt32(index) : 0
            share += isLabel ? weights[unchecked: index] : 0
        }
        let bits = share.bitPattern
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
        let z: Neighbours
        if isPlanar {
            let slice = Int(position[0].rounded())
            var neighbours = Neighbours(lower: slice, fraction: 0, extent: source.extent[0], stride: source.strides.z)
            neighbours.upper = neighbours.lower
            neighbours.hasUpper = neighbours.hasLower
            z = neighbours
        } else {
            z = Neighbours(position[0], extent: source.extent[0], stride: source.strides.z)
        }
        let y = Neighbours(position[1], extent: source.extent[1], stride: source.strides.y)
        let x = Neighbours(position[2], extent: source.extent[2], stride: 1)
        let (o00, o01) = (z.lower + y.lower, z.lower + y.upper)
        let (o10, o11) = (z.upper + y.lower, z.upper + y.upper)
        for channel in 0..<sample.channels {
            let base = source.image + channel * source.channelStride
            if imageInterpolation == .nearest {
                sample.channel(channel)[output] = nearestOffset(at: position).map { base[$0] } ?? 0
                continue
            }
            @inline(__always)
            func line(_ offset: Int) -> Float {
                base[offset + x.lower] * x.lowerShare + base[offset + x.upper] * x.upperShare
            }
            let near = line(o00) * y.lowerShare + line(o01) * y.upperShare
            let far = line(o10) * y.lowerShare + line(o11) * y.upperShare
            sample.channel(channel)[output] = near * z.lowerShare + far * z.upperShare
        }
        if labelInterpolation == .nearest {
            sample.labels[output] = nearestLabel(at: position)
            return
        }
        @inline(__always)
        func label(_ offset: Int, _ isThere: Bool) -> Int16 { isThere ? source.labels[offset] : -1 }
        let labels: Neighbourhood = [
            label(o00 + x.lower, z.hasLower && y.hasLower && x.hasLower),
            label(o00 + x.upper, z.hasLower && y.hasLower && x.hasUpper),
            label(o01 + x.lower, z.hasLower && y.hasUpper && x.hasLower),
            label(o01 + x.upper, z.hasLower && y.hasUpper && x.hasUpper),
            label(o10 + x.lower, z.hasUpper && y.hasLower && x.hasLower),
            label(o10 + x.upper, z.hasUpper && y.hasLower && x.hasUpper),
            label(o11 + x.lower, z.hasUpper && y.hasUpper && x.hasLower),
            label(o11 + x.upper, z.hasUpper && y.hasUpper && x.hasUpper),
        ]
        var isUniform = true
        for index in 1..<8 where labels[unchecked: index] != labels[unchecked: 0] { isUniform = false }
        sample.labels[output] =
            isUniform ? labels[0] : vote(labels, z: z.fraction, y: y.fraction, x: x.fraction, at: position)
    }

    /// The two voxels of an axis that a position lies between, either of which may not exist; offsets are of voxels that
    /// do, and a voxel that does not has no share.
    private struct Neighbours {
        var fraction: Float
        var hasLower: Bool
        var hasUpper: Bool
        var lower: Int
        var upper: Int
        var lowerShare: Float
        var upperShare: Float

        @inline(__always)
        init(_ position: Double, extent: Int, stride: Int) {
            // Positions begin above −2.
            let whole = Int(position + 4) - 4
            self.init(lower: whole, fraction: Float(position - Double(whole)), extent: extent, stride: stride)
        }

        @inline(__always)
        init(lower index: Int, fraction: Float, extent: Int, stride: Int) {
            self.fraction = fraction
            hasLower = index >= 0 && index < extent
            hasUpper = index >= -1 && index < extent - 1
            lower = (hasLower ? index : 0) * stride
            upper = (hasUpper ? index + 1 : hasLower ? index : 0) * stride
            lowerShare = hasLower ? 1 - fraction : 0
            upperShare = hasUpper ? fraction : 0
        }
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
