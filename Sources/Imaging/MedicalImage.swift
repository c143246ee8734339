/// An image as one of nnU-Net's readers hands it over: voxels, spacing, and what is needed to write a segmentation that
/// overlays it.
public struct MedicalImage: Sendable {
    /// Voxels, shape (channel, z, y, x); a 2D image has one slice.
    public var voxels: Volume<Float>
    /// Distance between voxel centres along (z, y, x), in millimetres as a rule; 999 marks the absent axis of a 2D image.
    public var spacing: [Double]
    public var geometry: ImageGeometry

    public init(voxels: Volume<Float>, spacing: [Double], geometry: ImageGeometry) {
        self.voxels = voxels
        self.spacing = spacing
        self.geometry = geometry
    }
}

/// Where an image stands in the world, in the words of the reader that read it. nnU-Net keeps it in a case's `.pkl`.
public enum ImageGeometry: Sendable, Equatable {
    /// `sitk_stuff`: spacing and origin in (x, y, z), direction cosines row by row, in the LPS world of ITK. 2 or 3 axes
    /// (4 for a 4D file).
    case simpleITK(spacing: [Double], origin: [Double], direction: [Double])
    /// `sitk_stuff` of the reorienting reader: the same, of the image after it was brought to RAS, and the code to go back
    /// to (such as "LPS").
    case simpleITKReoriented(spacing: [Double], origin: [Double], direction: [Double], originalOrientation: String)
    /// `nibabel_stuff`: the 4×4 affine, row by row, in the RAS world of NIfTI; `reoriented` where the reader reoriented.
    case nibabel(affine: [Double], reoriented: [Double]?)
    /// PNG, BMP and TIFF have none.
    case none
}

/// nnU-Net's reader and writer classes, under the names that stand in its plans.
public enum ImageReaderWriter: String, Sendable, CaseIterable {
    case naturalImage2D = "NaturalImage2DIO"
    case simpleITK = "SimpleITKIO"
    case tiff3D = "Tiff3DIO"
    case nibabel = "NibabelIO"
    case nibabelReoriented = "NibabelIOWithReorient"
    case simpleITKReoriented = "SimpleITKIOWithReorient"
}
