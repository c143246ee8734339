/// How nnU-Net cuts a preprocessed array into Blosc2 chunks and blocks, so that reading a patch touches few of them.
struct Blosc2Layout: Equatable {
    var block: [Int]
    var chunk: [Int]

    init(block: [Int], chunk: [Int]) {
        self.block = block
        self.chunk = chunk
    }

    /// - Parameters:
    ///   - shape: (channel, x, y, z).
    ///   - patch: of the configuration; two axes for 2D.
    init(shape: [Int], patch: [Int], bytesPerElement: Int) {
        let isFlat = patch.count == 2
        let patch = isFlat ? [1] + patch : patch
        let image = Array(shape.suffix(3))
        let target = (0..<3).map { max(1, min(image[$0], patch[$0] * 3 / 2)) }
        func bytes(_ box: [Int]) -> Int { box.reduce(bytesPerElement, *) }
        func powerOfTwo(atLeast n: Int) -> Int { n <= 1 ? 1 : 1 << (Int.bitWidth - (n - 1).leadingZeroBitCount) }

        var block = (0..<3).map { min(powerOfTwo(atLeast: patch[$0]), image[$0]) }
        while bytes(block) > 128 * 1024 {
            // The axis that covers most of its target; of equals the later one.
            let axis = (0..<3).filter { block[$0] > 1 }.reversed().max { covered(block, $0) < covered(block, $1) }!
            block[axis] = max(1, powerOfTwo(atLeast: block[axis]) / 2)
        }
        var chunk = block
        while true {
            let growing = (0..<3).filter { axis in
                guard patch[axis] != 1, !(isFlat && axis == 0), chunk[axis] < target[axis] else { return false }
                return bytes(grown(axis)) <= 6 * 1024 * 1024
            }
            // The axis that covers least of its target; of equals that of the larger image, then the earlier one.
            guard
                let axis = growing.min(by: {
                    (covered(chunk, $0), -image[$0], $0) < (covered(chunk, $1), -image[$1], $1)
                })
            else { break }
            chunk = grown(axis)
        }
        self.block = [1] + block
        self.chunk = [1] + chunk

        func covered(_ box: [Int], _ axis: Int) -> Double { Double(box[axis]) / Double(target[axis]) }
        func grown(_ axis: Int) -> [Int] {
            var next = chunk
            next[axis] = min(chunk[axis] + block[axis], target[axis])
            return next
        }
    }
}
