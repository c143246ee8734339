import NNUNet

/// Where the patches of a batch come from: which case, and which box of it, by nnU-Net's rules.
public struct PatchSampler: Sendable {
    public var batchSize: Int
    /// What the network gets; two or three axes.
    public var patchSize: [Int]
    /// What is laid over the case; as many axes.
    public var initialPatchSize: [Int]
    /// The share of samples that are centred on a voxel of the foreground.
    public var oversampleForeground: Double
    /// Whether that share is a probability for each sample, instead of a rule for the last samples of each batch.
    public var isProbabilistic: Bool
    /// The labels of the entry of the class locations that holds every annotated voxel: −1 and all labels.
    ///
    /// Where the dataset has an ignore label, patches that need no foreground are centred on such a voxel.
    public var annotatedLabels: [Int]
    public var hasIgnoreLabel: Bool

    public init(
        batchSize: Int, patchSize: [Int], initialPatchSize: [Int], oversampleForeground: Double = 0.33,
        isProbabilistic: Bool = false, annotatedLabels: [Int], hasIgnoreLabel: Bool = false
    ) {
        self.batchSize = batchSize
        self.patchSize = patchSize
        self.initialPatchSize = initialPatchSize
        self.oversampleForeground = oversampleForeground
        self.isProbabilistic = isProbabilistic
        self.annotatedLabels = annotatedLabels
        self.hasIgnoreLabel = hasIgnoreLabel
    }

    /// Whether a sample must show foreground.
    public func forcesForeground(sample: Int, using generator: inout Philox) -> Bool {
        if isProbabilistic { return generator.chance(oversampleForeground) }
        return sample >= Int((Double(batchSize) * (1 - oversampleForeground)).rounded(.toNearestOrEven))
    }

    /// Where an initial patch may begin along each of three axes, so that a final patch reaches the case's borders.
    public func bounds(shape: [Int]) -> [ClosedRange<Int>] {
        zip(shape, patch).map { size, patch in
            let margin = max(patch.initial - patch.final, patch.initial - size)
            // Rounded away from zero at the lower end and up at the upper end.
            let lower = -((margin + 1).floorHalf)
            let upper = size + (margin + 1).floorHalf - patch.initial
            return lower...max(lower, upper)
        }
    }

    /// Where the initial patch of a sample begins in a case, along three axes; it may begin and end outside.
    ///
    /// A patch about a chosen voxel begins within the bounds, but may hang over the far border, as in nnU-Net.
    public func origin(
        shape: [Int], classLocations: [ClassLocations], forcesForeground: Bool, using generator: inout Philox
    ) -> [Int] {
        let bounds = bounds(shape: shape)
        guard let locations = chosenClass(classLocations, forcesForeground, using: &generator) else {
            return bounds.map { $0.lowerBound + generator.integer(below: $0.count) }
        }
        let voxel = generator.integer(below: locations.coordinates.count / 4) * 4
        return (0..<3).map { axis in
            let centre = Int(locations.coordinates[voxel + 1 + axis])
            return max(bounds[axis].lowerBound, centre - patch[axis].initial / 2)
        }
    }

    /// The class on one of whose voxels the patch is centred; nil where anywhere will do, or nothing is there.
    private func chosenClass(
        _ classLocations: [ClassLocations], _ forcesForeground: Bool, using generator: inout Philox
    ) -> ClassLocations? {
        let present = classLocations.filter { $0.coordinates.count >= 4 }
        if !forcesForeground {
            return hasIgnoreLabel ? present.first(where: isAnnotated) : nil
        }
        let eligible = present.count > 1 ? present.filter { !isAnnotated($0) } : present
        return eligible.isEmpty ? nil : eligible[generator.integer(below: eligible.count)]
    }

    private func isAnnotated(_ locations: ClassLocations) -> Bool {
        locations.isRegion && locations.labels == annotatedLabels
    }

    /// (initial, final) along three axes; a slice is one voxel thick.
    private var patch: [(initial: Int, final: Int)] {
        let pairs = zip(initialPatchSize, patchSize).map { (initial: $0, final: $1) }
        return pairs.count == 2 ? [(1, 1)] + pairs : pairs
    }
}

extension Int {
    /// Half, rounded down.
    fileprivate var floorHalf: Int { self >> 1 }
}
