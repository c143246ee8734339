/// Voxels of a case that someone else holds: the part of an initial patch that lies inside of the case.
///
/// Axes are (z, y, x). What lies outside is 0 in every channel, and label −1.
struct BorrowedVolume {
    /// The first voxel of the first channel.
    var image: UnsafePointer<Float>
    var labels: UnsafePointer<Int16>
    var channels: Int
    var channelStride: Int
    /// Of z and y; x is contiguous.
    var strides: (z: Int, y: Int)
    /// Where the first voxel lies in the initial patch.
    var lower: SIMD3<Int>
    /// At least one along each axis, unless the patch misses the case.
    var extent: SIMD3<Int>

    var isEmpty: Bool { extent[0] <= 0 || extent[1] <= 0 || extent[2] <= 0 }

    /// The part of a whole case that an initial patch sees.
    ///
    /// - Parameters:
    ///   - shape: the case's.
    ///   - origin: where the initial patch begins in the case; may be negative.
    init(
        image: UnsafePointer<Float>, labels: UnsafePointer<Int16>, channels: Int, shape: SIMD3<Int>,
        origin: SIMD3<Int>, initial: SIMD3<Int>
    ) {
        var first = SIMD3<Int>()
        var extent = SIMD3<Int>()
        for axis in 0..<3 {
            first[axis] = max(0, origin[axis])
            extent[axis] = min(shape[axis], origin[axis] + initial[axis]) - first[axis]
        }
        strides = (shape[1] * shape[2], shape[2])
        channelStride = shape[0] * strides.z
        self.channels = channels
        self.extent = extent
        lower = first &- origin
        let isEmpty = extent[0] <= 0 || extent[1] <= 0 || extent[2] <= 0
        let offset = isEmpty ? 0 : first[0] * strides.z + first[1] * strides.y + first[2]
        self.image = image + offset
        self.labels = labels + offset
    }
}

/// Where a sample is written: channels one after the other, and one label volume of the same (z, y, x) shape.
struct SampleBuffer {
    var image: UnsafeMutablePointer<Float>
    var labels: UnsafeMutablePointer<Int16>
    var channels: Int
    var shape: SIMD3<Int>

    var voxels: Int { shape[0] * shape[1] * shape[2] }

    func channel(_ index: Int) -> UnsafeMutablePointer<Float> { image + index * voxels }
}
