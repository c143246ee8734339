/// Cuts a patch out of a volume, flipped along the axes that say so; what lies outside is 0 and label −1.
///
/// - Parameter start: the patch's first voxel in the initial patch's coordinates.
func crop(_ source: BorrowedVolume, start: SIMD3<Int>, mirrored: [Bool], into sample: SampleBuffer) {
    let shape = sample.shape
    let x = visible(start: start[2], size: shape[2], lower: source.lower[2], extent: source.extent[2])
    // The columns that are written, after the flip.
    let columns = mirrored[2] ? (shape[2] - x.upperBound)..<(shape[2] - x.lowerBound) : x
    for z in 0..<shape[0] {
        let sourceZ = start[0] + (mirrored[0] ? shape[0] - 1 - z : z) - source.lower[0]
        for y in 0..<shape[1] {
            let sourceY = start[1] + (mirrored[1] ? shape[1] - 1 - y : y) - source.lower[1]
            let row = (z * shape[1] + y) * shape[2]
            let isInside =
                sourceZ >= 0 && sourceZ < source.extent[0] && sourceY >= 0 && sourceY < source.extent[1] && !x.isEmpty
            let labels = sample.labels + row
            guard isInside else {
                labels.update(repeating: -1, count: shape[2])
                for channel in 0..<sample.channels {
                    (sample.channel(channel) + row).update(repeating: 0, count: shape[2])
                }
                continue
            }
            let offset =
                sourceZ * source.strides.z + sourceY * source.strides.y + start[2] + x.lowerBound - source.lower[2]
            let count = x.count
            let before = columns.lowerBound
            let after = shape[2] - columns.upperBound
            if before > 0 { labels.update(repeating: -1, count: before) }
            if after > 0 { (labels + columns.upperBound).update(repeating: -1, count: after) }
            let from = source.labels + offset
            let to = labels + before
            if mirrored[2] {
                for index in 0..<count { to[index] = from[count - 1 - index] }
            } else {
                to.update(from: from, count: count)
            }
            for channel in 0..<sample.channels {
                let values = sample.channel(channel) + row
                if before > 0 { values.update(repeating: 0, count: before) }
                if after > 0 { (values + columns.upperBound).update(repeating: 0, count: after) }
                let from = source.image + channel * source.channelStride + offset
                let to = values + before
                if mirrored[2] {
                    for index in 0..<count { to[index] = from[count - 1 - index] }
                } else {
                    to.update(from: from, count: count)
                }
            }
        }
    }
}

/// The indices of a run that begins at `start` for which the source has voxels.
private func visible(start: Int, size: Int, lower: Int, extent: Int) -> Range<Int> {
    let first = min(size, max(0, lower - start))
    let end = min(size, max(first, lower + max(0, extent) - start))
    return first..<end
}
