import Imaging

/// A case as training and prediction take it: cropped, normalised, resampled, axes transposed.
public struct PreprocessedCase: Sendable {
    /// Shape (channel, axes of the plan…).
    public var data: Volume<Float>
    /// Shape (1, axes of the plan…); −1 outside of the nonzero mask. Absent where the case has no label.
    public var segmentation: Volume<Int16>?
    public var properties: CaseProperties

    public init(data: Volume<Float>, segmentation: Volume<Int16>?, properties: CaseProperties) {
        self.data = data
        self.segmentation = segmentation
        self.properties = properties
    }
}

/// What is kept beside a preprocessed case (`.pkl`) so that a prediction finds its way back to the image's own grid.
public struct CaseProperties: Sendable, Equatable {
    public var geometry: ImageGeometry
    /// (z, y, x) in the reader's order.
    public var spacing: [Double]
    /// Spatial shapes, transposed.
    public var shapeBeforeCropping: [Int]
    /// Half-open, per transposed axis.
    public var cropBox: [Range<Int>]
    public var shapeAfterCroppingBeforeResampling: [Int]
    /// Where each class lies: rows of (0, axes of the plan…). Empty for a case without label.
    public var classLocations: [ClassLocations]

    public init(
        geometry: ImageGeometry, spacing: [Double], shapeBeforeCropping: [Int], cropBox: [Range<Int>],
        shapeAfterCroppingBeforeResampling: [Int], classLocations: [ClassLocations]
    ) {
        self.geometry = geometry
        self.spacing = spacing
        self.shapeBeforeCropping = shapeBeforeCropping
        self.cropBox = cropBox
        self.shapeAfterCroppingBeforeResampling = shapeAfterCroppingBeforeResampling
        self.classLocations = classLocations
    }
}

/// Sampled voxels of one label, or of one region, which is a set of labels.
public struct ClassLocations: Sendable, Equatable {
    /// One label, or the labels of a region in the order of the dataset's file.
    public var labels: [Int]
    /// Whether nnU-Net's key is a tuple (a region, or "all annotated voxels") instead of an integer.
    public var isRegion: Bool
    /// Four numbers a voxel: 0, then the position along the plan's axes.
    public var coordinates: [Int32]

    public init(labels: [Int], isRegion: Bool, coordinates: [Int32]) {
        self.labels = labels
        self.isRegion = isRegion
        self.coordinates = coordinates
    }
}
