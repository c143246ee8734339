#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes images and labels that have no older file to take their place in the world from.
public enum ImageWriter {
    /// An image of 32-bit floats as NIfTI, its axes along the world's.
    ///
    /// - Parameters:
    ///   - volume: (z, y, x).
    ///   - spacing: along (z, y, x).
    public static func write(_ volume: Volume<Float>, spacing: [Double], to file: URL) throws {
        try NIfTI.write(
            volume.elements, size: volume.shape.reversed(), spacing: spacing.reversed(), affine: affine(spacing),
            to: file)
    }

    /// Labels as NIfTI, its axes along the world's.
    public static func write(_ volume: Volume<UInt16>, spacing: [Double], to file: URL) throws {
        try NIfTI.write(
            volume.elements, size: volume.shape.reversed(), spacing: spacing.reversed(), affine: affine(spacing),
            to: file)
    }

    /// One volume of a 4D image, under the geometry of its first three axes.
    public static func write(channel: Int, of image: StoredImage, to file: URL) throws {
        let voxels = image.size.prefix(3).reduce(1, *)
        guard image.size.count == 4, channel < image.size[3], let affine = image.affine else {
            throw ImagingError.mismatch(
                "\(file.lastPathComponent): channel \(channel) of an image of shape \(image.size)")
        }
        try NIfTI.write(
            Array(image.values[channel * voxels..<(channel + 1) * voxels]), size: Array(image.size.prefix(3)),
            spacing: Array(image.spacing.prefix(3)), affine: affine, to: file)
    }

    private static func affine(_ spacing: [Double]) -> [Double] {
        [spacing[2], 0, 0, 0, 0, spacing[1], 0, 0, 0, 0, spacing[0], 0, 0, 0, 0, 1]
    }
}
