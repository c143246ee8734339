/// What nnU-Net knows of a dataset before it plans: geometry of every case after cropping, and foreground intensities of
/// every channel. The content of `dataset_fingerprint.json`.
public struct DatasetFingerprint: Sendable, Equatable {
    /// Shapes after cropping to nonzero, (z, y, x) in the reader's order, one per case in the order of the cases.
    public var shapesAfterCrop: [[Int]]
    /// Spacings in the reader's order (z, y, x), one per case.
    public var spacings: [[Double]]
    /// Intensities over foreground voxels (label > 0), one per channel.
    public var foregroundIntensities: [IntensityProperties]
    /// Median over cases of the share of voxels that cropping leaves.
    public var medianRelativeSizeAfterCropping: Double

    public init(
        shapesAfterCrop: [[Int]], spacings: [[Double]], foregroundIntensities: [IntensityProperties],
        medianRelativeSizeAfterCropping: Double
    ) {
        self.shapesAfterCrop = shapesAfterCrop
        self.spacings = spacings
        self.foregroundIntensities = foregroundIntensities
        self.medianRelativeSizeAfterCropping = medianRelativeSizeAfterCropping
    }
}

/// Foreground intensity statistics of one channel. `std` is the population's.
public struct IntensityProperties: Sendable, Equatable {
    public var max, mean, median, min, percentile005, percentile995, std: Double

    public init(
        max: Double, mean: Double, median: Double, min: Double, percentile005: Double, percentile995: Double,
        std: Double
    ) {
        self.max = max
        self.mean = mean
        self.median = median
        self.min = min
        self.percentile005 = percentile005
        self.percentile995 = percentile995
        self.std = std
    }
}
