import Imaging

/// nnU-Net's crop: the bounding box of everything that is not zero in some channel, holes filled.
struct NonzeroCrop {
    /// Half-open, per axis.
    let box: [Range<Int>]
    /// Inside the box: nonzero, or enclosed by nonzero voxels (through faces).
    let mask: [Bool]

    var shape: [Int] { box.map(\.count) }
    var voxels: Int { mask.count }

    /// - Parameter image: shape (channel, z, y, x).
    init(_ image: Volume<Float>) {
        let shape = Array(image.shape.dropFirst())
        let plane = shape[1] * shape[2]
        let voxels = shape[0] * plane
        var nonzero = [Bool](repeating: false, count: voxels)
        var low = shape
        var high = [-1, -1, -1]
        image.elements.withUnsafeBufferPointer { values in
            nonzero.withUnsafeMutableBufferPointer { nonzero in
                for channel in 0..<image.shape[0] {
                    let base = channel * voxels
                    for i in 0..<voxels where values[base + i] != 0 { nonzero[i] = true }
                }
                for z in 0..<shape[0] {
                    for y in 0..<shape[1] {
                        let row = z * plane + y * shape[2]
                        guard let first = (0..<shape[2]).first(where: { nonzero[row + $0] }) else { continue }
                        let last = (0..<shape[2]).last { nonzero[row + $0] }!
                        low = [min(low[0], z), min(low[1], y), min(low[2], first)]
                        high = [max(high[0], z), max(high[1], y), max(high[2], last)]
                    }
                }
            }
        }
        let isEmpty = high[0] < 0
        let box = isEmpty ? shape.map { 0..<$0 } : (0..<3).map { low[$0]..<high[$0] + 1 }
        self.box = box
        let size = box.map(\.count)
        var inside = [Bool](repeating: false, count: size.reduce(1, *))
        for z in 0..<size[0] {
            for y in 0..<size[1] {
                let from = (z + box[0].lowerBound) * plane + (y + box[1].lowerBound) * shape[2] + box[2].lowerBound
                let to = (z * size[1] + y) * size[2]
                for x in 0..<size[2] { inside[to + x] = nonzero[from + x] }
            }
        }
        // Zeros that the border of the box reaches are outside; what is left of them are holes.
        if !isEmpty, inside.contains(false) { Self.fillHoles(&inside, size) }
        mask = inside
    }

    private static func fillHoles(_ mask: inout [Bool], _ size: [Int]) {
        var outside = [Bool](repeating: false, count: mask.count)
        var stack: [Int32] = []
        let plane = size[1] * size[2]
        func visit(_ i: Int) {
            if !mask[i], !outside[i] {
                outside[i] = true
                stack.append(Int32(i))
            }
        }
        for z in 0..<size[0] {
            for y in 0..<size[1] {
                let row = z * plane + y * size[2]
                if z == 0 || z == size[0] - 1 || y == 0 || y == size[1] - 1 {
                    for x in 0..<size[2] { visit(row + x) }
                } else {
                    visit(row)
                    visit(row + size[2] - 1)
                }
            }
        }
        while let next = stack.popLast() {
            let i = Int(next)
            let x = i % size[2]
            let y = i / size[2] % size[1]
            let z = i / plane
            if x > 0 { visit(i - 1) }
            if x < size[2] - 1 { visit(i + 1) }
            if y > 0 { visit(i - size[2]) }
            if y < size[1] - 1 { visit(i + size[2]) }
            if z > 0 { visit(i - plane) }
            if z < size[0] - 1 { visit(i + plane) }
        }
        for i in mask.indices { mask[i] = !outside[i] }
    }

    /// The box of an image, all channels.
    func apply(to image: Volume<Float>) -> Volume<Float> {
        image.cropped(to: [0..<image.shape[0]] + box)
    }

    /// The box of a segmentation, with −1 where there is neither a label nor image.
    func apply(toLabels labels: Volume<Int16>) -> Volume<Int16> {
        var cropped = labels.cropped(to: [0..<1] + box)
        cropped.elements.withUnsafeMutableBufferPointer { labels in
            for i in labels.indices where labels[i] == 0 && !mask[i] { labels[i] = -1 }
        }
        return cropped
    }

    /// What stands for a segmentation where there is none: 0 inside, −1 outside.
    var labelsOfMask: Volume<Int16> { Volume(shape: [1] + shape, elements: mask.map { $0 ? 0 : -1 }) }
}
