/// What the channels of a network's output mean.
public struct SegmentationHeads: Sendable, Equatable {
    /// Channels: labels with background, or regions.
    public var count: Int
    /// Sigmoid per channel, each a region that may overlap others, instead of a softmax over labels.
    public var areRegions: Bool
    /// Label of voxels that nobody annotated; of regions, the target's last channel marks them, and any value will do here.
    public var ignoreLabel: Int?
    /// Channels whose label the cases were never searched for: where they show background, it may hide there.
    public var unannotated: [Int]

    public init(count: Int, areRegions: Bool = false, ignoreLabel: Int? = nil, unannotated: [Int] = []) {
        self.count = count
        self.areRegions = areRegions
        self.ignoreLabel = ignoreLabel
        self.unannotated = unannotated
    }
}
