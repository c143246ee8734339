/// Which neighbours count as connected.
public enum Connectivity: Sendable {
    /// Voxels that share a face: 6 in 3D, 4 in 2D.
    case faces
    /// A face or an edge: 18 in 3D, 8 in 2D.
    case edges
    /// A face, an edge or a corner: 26 in 3D, 8 in 2D.
    case corners

    /// How many of the three coordinates may differ.
    var differingAxes: Int {
        switch self {
        case .faces: 1
        case .edges: 2
        case .corners: 3
        }
    }
}

/// The connected components of a mask, numbered from 1 in the order of their first voxels.
public struct ConnectedComponents: Sendable, Equatable {
    /// The number of each voxel's component, 0 outside of the mask; the mask's shape.
    public let labels: Volume<Int32>
    /// Voxels of component 1, 2, …
    public let sizes: [Int]

    /// Components of the true voxels of a mask of up to three axes; leading axes of one element do no harm.
    ///
    /// Two passes with union-find over the runs of neighbours that were already seen (Rosenfeld and Pfaltz, 1966).
    public init(of mask: Volume<Bool>, connectivity: Connectivity = .corners) {
        let spatial = mask.shape.count > 3 ? Array(mask.shape.suffix(3)) : mask.shape
        precondition(
            mask.shape.dropLast(spatial.count).allSatisfy { $0 == 1 },
            "a mask of \(mask.shape) has more than three axes")
        let shape = [Int](repeating: 1, count: 3 - spatial.count) + spatial
        var parents: [Int32] = [0]
        var provisional = [Int32](repeating: 0, count: mask.count)
        Self.label(mask.elements, shape, Self.neighbours(connectivity), &provisional, &parents)

        // Roots are always smaller than their children, so one walk upwards numbers them in order.
        var numbers = [Int32](repeating: 0, count: parents.count)
        var sizes: [Int] = []
        for index in 1..<max(parents.count, 1) {
            let parent = Int(parents[index])
            if parent == index {
                sizes.append(0)
                numbers[index] = Int32(sizes.count)
            } else {
                numbers[index] = numbers[parent]
            }
        }
        sizes.withUnsafeMutableBufferPointer { sizes in
            numbers.withUnsafeBufferPointer { numbers in
                provisional.withUnsafeMutableBufferPointer { voxels in
                    for index in voxels.indices where voxels[index] != 0 {
                        let number = numbers[Int(voxels[index])]
                        voxels[index] = number
                        sizes[Int(number) - 1] += 1
                    }
                }
            }
        }
        labels = Volume(shape: mask.shape, elements: provisional)
        self.sizes = sizes
    }

    /// The number of the component with most voxels; of equals, the first. None in an empty mask.
    public var largest: Int? {
        guard let most = sizes.max() else { return nil }
        return sizes.firstIndex(of: most).map { $0 + 1 }
    }

    /// The voxels of one component.
    public func mask(of component: Int) -> Volume<Bool> {
        let number = Int32(component)
        return Volume(shape: labels.shape, elements: labels.elements.map { $0 == number })
    }

    /// The mask without all but its largest component.
    public static func largestComponent(of mask: Volume<Bool>, connectivity: Connectivity = .corners) -> Volume<Bool> {
        let components = ConnectedComponents(of: mask, connectivity: connectivity)
        guard let largest = components.largest, components.sizes.count > 1 else { return mask }
        return components.mask(of: largest)
    }

    // MARK: First pass

    /// Offsets (z, y, x) of the neighbours that come before a voxel in C order.
    private static func neighbours(_ connectivity: Connectivity) -> [(Int, Int, Int)] {
        var offsets: [(Int, Int, Int)] = []
        for z in -1...0 {
            for y in -1...1 {
                for x in -1...1 where (z, y, x) < (0, 0, 0) {
                    if abs(z) + abs(y) + abs(x) <= connectivity.differingAxes { offsets.append((z, y, x)) }
                }
            }
        }
        return offsets
    }

    private static func label(
        _ mask: [Bool], _ shape: [Int], _ neighbours: [(Int, Int, Int)], _ labels: inout [Int32],
        _ parents: inout [Int32]
    ) {
        let (depth, height, width) = (shape[0], shape[1], shape[2])
        let steps = neighbours.map { ($0.0 * height + $0.1) * width + $0.2 }
        mask.withUnsafeBufferPointer { mask in
            labels.withUnsafeMutableBufferPointer { labels in
                var index = 0
                for z in 0..<depth {
                    for y in 0..<height {
                        for x in 0..<width {
                            defer { index += 1 }
                            guard mask[index] else { continue }
                            var root: Int32 = 0
                            for (position, offset) in neighbours.enumerated() {
                                let neighbourX = x + offset.2
                                let neighbourY = y + offset.1
                                guard z + offset.0 >= 0, neighbourY >= 0, neighbourY < height, neighbourX >= 0,
                                    neighbourX < width
                                else { continue }
                                let neighbour = labels[index + steps[position]]
                                if neighbour == 0 || neighbour == root { continue }
                                root = root == 0 ? find(neighbour, &parents) : unite(root, neighbour, &parents)
                            }
                            if root == 0 {
                                root = Int32(parents.count)
                                parents.append(root)
                            }
                            labels[index] = root
                        }
                    }
                }
            }
        }
    }

    private static func find(_ label: Int32, _ parents: inout [Int32]) -> Int32 {
        var label = label
        while parents[Int(label)] != label {
            // Path halving.
            parents[Int(label)] = parents[Int(parents[Int(label)])]
            label = parents[Int(label)]
        }
        return label
    }

    /// The smaller root becomes the root of both.
    private static func unite(_ a: Int32, _ b: Int32, _ parents: inout [Int32]) -> Int32 {
        let a = find(a, &parents)
        let b = find(b, &parents)
        if a < b { parents[Int(b)] = a } else { parents[Int(a)] = b }
        return min(a, b)
    }
}
