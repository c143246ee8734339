/// What one case adds to a fingerprint.
public struct CaseFingerprint: Sendable, Equatable {
    /// After cropping to nonzero, (z, y, x) in the reader's order.
    public var shape: [Int]
    /// (z, y, x) in the reader's order.
    public var spacing: [Double]
    /// Voxels after cropping by voxels before.
    public var relativeSize: Double
    /// Over foreground voxels, one per channel.
    public var intensities: [IntensityDistribution]

    public init(shape: [Int], spacing: [Double], relativeSize: Double, intensities: [IntensityDistribution]) {
        self.shape = shape
        self.spacing = spacing
        self.relativeSize = relativeSize
        self.intensities = intensities
    }
}

extension DatasetFingerprint {
    /// The fingerprint of cases that are all at hand; nil where a channel has no foreground in any of them.
    public init?(_ cases: [CaseFingerprint]) {
        guard let channels = cases.first?.intensities.count else { return nil }
        let intensities = (0..<channels).compactMap { channel in
            IntensityDistribution.merged(cases.map { $0.intensities[channel] }).properties
        }
        guard intensities.count == channels else { return nil }
        self.init(
            shapesAfterCrop: cases.map(\.shape), spacings: cases.map(\.spacing), foregroundIntensities: intensities,
            medianRelativeSizeAfterCropping: quantile(cases.map(\.relativeSize), 0.5))
    }
}
