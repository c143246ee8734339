#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ImageReaderWriter {
    /// Writes a segmentation so that it overlays the image whose geometry it is given.
    ///
    /// - Parameter labels: shape (z, y, x), as the reader gave the image.
    public func writeSegmentation(_ labels: Volume<UInt16>, geometry: ImageGeometry, spacing: [Double], to file: URL)
        throws
    {
        switch (self, geometry) {
        case (.naturalImage2D, _):
            if file.pathExtension.lowercased() == "png" {
                try PNG.write(labels.elements, width: labels.shape[2], height: labels.shape[1], to: file)
            } else {
                try TIFF.write(
                    labels.elements, width: labels.shape[2], height: labels.shape[1], pages: 1, to: file)
            }
        case (.tiff3D, _):
            try TIFF.write(
                labels.elements, width: labels.shape[2], height: labels.shape[1],
                pages: labels.shape[0], to: file)
            try TIFFSpacing.write(spacing, besides: file)
        case (_, .simpleITK(let spacing, let origin, let direction)):
            let rank = spacing.count >= 4 ? 3 : spacing.count
            let size = Array(labels.shape.reversed().prefix(rank))
            try write(labels.elements, size: size, spacing: spacing, origin: origin, direction: direction, to: file)
        case (_, .simpleITKReoriented(let spacing, let origin, let direction, let original)):
            let (values, grid) = SpatialGrid(
                size: labels.shape.reversed(), spacing: spacing, origin: origin, direction: direction
            ).reoriented(labels.elements, to: try Orientation(original))
            try write(
                values, size: grid.size, spacing: grid.spacing, origin: grid.origin, direction: grid.direction, to: file
            )
        case (_, .nibabel(let affine, nil)):
            try NIfTI.write(
                labels.elements, size: labels.shape.reversed(), spacing: spacing.reversed(), affine: affine, to: file)
        case (_, .nibabel(let affine, .some(let reoriented))):
            let grid = SpatialGrid(size: labels.shape.reversed(), rasAffine: reoriented)
            let (values, original) = grid.reoriented(
                labels.elements,
                to: Orientation(ofDirection: SpatialGrid(size: [1, 1, 1], rasAffine: affine).direction))
            try NIfTI.write(values, size: original.size, spacing: original.spacing, affine: affine, to: file)
        case (_, .none):
            throw ImagingError.mismatch(
                "\(file.lastPathComponent): the image has no geometry to write its segmentation with")
        }
    }

    private func write(
        _ labels: [UInt16], size: [Int], spacing: [Double], origin: [Double], direction: [Double], to file: URL
    ) throws {
        let rank = size.count
        let width = spacing.count
        let grid = SpatialGrid(
            size: size, spacing: Array(spacing.prefix(rank)), origin: Array(origin.prefix(rank)),
            direction: (0..<rank).flatMap { row in (0..<rank).map { direction[row * width + $0] } })
        let name = file.lastPathComponent.lowercased()
        if name.hasSuffix(".mha") || name.hasSuffix(".mhd") {
            try MetaImage.write(labels, grid: grid, to: file)
        } else if name.hasSuffix(".nrrd") || name.hasSuffix(".nhdr") {
            try NRRD.write(labels, grid: grid, to: file)
        } else {
            try NIfTI.write(labels, size: size, spacing: grid.spacing, affine: grid.rasAffine, to: file)
        }
    }
}
