/// Working memory of one thread that augments, grown on demand and used again for every sample.
package final class AugmentationScratch {
    /// Offsets and weights along one row.
    struct Row {
        var offsets: UnsafeMutablePointer<Int32>
        var z: UnsafeMutablePointer<Float>
        var y: UnsafeMutablePointer<Float>
        var x: UnsafeMutablePointer<Float>
    }

    private var floats = Block<Float>()
    private var image = Block<Float>()
    private var labels = Block<Int16>()
    private var patchLabels = Block<Int16>()
    private var weights = Block<Float>()
    private var offsets = Block<Int32>()

    package init() {}

    /// Room for one channel of a patch, and more.
    func floats(_ count: Int) -> UnsafeMutablePointer<Float> { floats.reserve(count) }

    /// Room for the box of a case that is read from a file.
    func box(voxels: Int, channels: Int) -> (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int16>) {
        (image.reserve(voxels * channels), labels.reserve(voxels))
    }

    /// Room for the labels of a patch.
    func patchLabels(_ count: Int) -> UnsafeMutablePointer<Int16> { patchLabels.reserve(count) }

    /// Rows of whole vectors, at least `width` long.
    func row(width: Int) -> Row {
        let width = (width + 15) / 8 * 8
        let weights = weights.reserve(3 * width)
        return Row(offsets: offsets.reserve(width), z: weights, y: weights + width, x: weights + 2 * width)
    }

    private struct Block<Element: BitwiseCopyable>: ~Copyable {
        private var memory = UnsafeMutableBufferPointer<Element>(start: nil, count: 0)

        mutating func reserve(_ count: Int) -> UnsafeMutablePointer<Element> {
            if memory.count < count || memory.baseAddress == nil {
                memory.deallocate()
                memory = .allocate(capacity: max(1, count))
            }
            guard let start = memory.baseAddress else { preconditionFailure("no memory for \(count) elements") }
            return start
        }

        deinit { memory.deallocate() }
    }
}
