/// The form in which a network wants its labels: one volume of numbers, or one of zeros and ones per region, at every
/// resolution of deep supervision.
public struct TargetLayout: Sendable {
    /// The patch, of two or three axes.
    public let patchSize: [Int]
    /// Spatial shapes, one per resolution.
    public let shapes: [[Int]]
    /// One for label numbers, else the number of regions, the ignore label's among them.
    public var channels: Int { membership.isEmpty ? 1 : membership.count }

    /// Per resolution, the voxels that are taken along z, y and x; nil where all are.
    private let indices: [[[Int]]?]
    /// For each region, 1 at the labels that it holds.
    private let membership: [[Int16]]

    /// - Parameters:
    ///   - patchSize: two or three axes.
    ///   - scales: one per resolution, each with a factor per axis, full resolution first; empty without deep supervision.
    ///   - regions: the labels of each region; empty for ordinary labels.
    ///   - ignoreLabel: made the last region where there are regions.
    public init(patchSize: [Int], scales: [[Double]] = [], regions: [[Int]] = [], ignoreLabel: Int? = nil) {
        self.patchSize = patchSize
        var shapes: [[Int]] = []
        var indices: [[[Int]]?] = []
        for scale in scales.isEmpty ? [patchSize.map { _ in 1 }] : scales {
            let shape = zip(patchSize, scale).map { Int((Double($0) * $1).rounded(.toNearestOrEven)) }
            shapes.append(shape)
            let isFull = scale.allSatisfy { $0 == 1 }
            let taken = zip(patchSize, shape).map { NearestExact.indices(from: $0, to: $1) }
            indices.append(isFull ? nil : (taken.count == 2 ? [[0]] : []) + taken)
        }
        self.shapes = shapes
        self.indices = indices
        let wanted = regions.isEmpty ? [] : regions + (ignoreLabel.map { [[$0]] } ?? [])
        let largest = wanted.joined().max() ?? 0
        membership = wanted.map { labels in (0...largest).map { labels.contains($0) ? 1 : 0 } }
    }

    /// The factors by which nnU-Net shrinks its labels: those of all strides so far, without the coarsest resolution.
    ///
    /// - Parameter strides: the plan's pooling, one per stage of the network, the first of ones.
    public static func scales(strides: [[Int]]) -> [[Double]] {
        var product = [Int](repeating: 1, count: strides.first?.count ?? 0)
        return strides.dropLast().map { stride in
            product = zip(product, stride).map(*)
            return product.map { 1 / Double($0) }
        }
    }

    /// Elements of one sample at one resolution.
    func count(level: Int) -> Int { shapes[level].reduce(channels, *) }

    /// Whether the first resolution is the label volume itself.
    var firstLevelIsLabels: Bool { membership.isEmpty && indices[0] == nil }

    /// Writes one sample's target at one resolution.
    ///
    /// - Parameter labels: of the whole patch, none below zero.
    package func write(level: Int, labels: UnsafePointer<Int16>, to output: UnsafeMutablePointer<Int16>) {
        let voxels = shapes[level].reduce(1, *)
        guard let taken = indices[level] else {
            if membership.isEmpty {
                if UnsafePointer(output) != labels { output.update(from: labels, count: voxels) }
            } else {
                for region in membership.indices {
                    for voxel in 0..<voxels { output[region * voxels + voxel] = member(labels[voxel], of: region) }
                }
            }
            return
        }
        let (height, width) = (patchSize[patchSize.count - 2], patchSize[patchSize.count - 1])
        taken[2].withUnsafeBufferPointer { columns in
            var voxel = 0
            for z in taken[0] {
                for y in taken[1] {
                    let row = labels + (z * height + y) * width
                    if membership.isEmpty {
                        for index in 0..<columns.count { output[voxel + index] = row[columns[index]] }
                    } else {
                        for region in membership.indices {
                            let to = output + region * voxels + voxel
                            for index in 0..<columns.count { to[index] = member(row[columns[index]], of: region) }
                        }
                    }
                    voxel += columns.count
                }
            }
        }
    }

    private func member(_ label: Int16, of region: Int) -> Int16 {
        let table = membership[region]
        return label >= 0 && Int(label) < table.count ? table[Int(label)] : 0
    }
}
