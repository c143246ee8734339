#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ImageReaderWriter {
    /// File endings that this reader takes.
    var endings: [String] {
        switch self {
        case .naturalImage2D: [".png", ".tif"]
        case .simpleITK, .simpleITKReoriented: [".nii.gz", ".nrrd", ".mha", ".nii", ".nhdr", ".mhd", ".hdr", ".img"]
        case .tiff3D: [".tif", ".tiff"]
        case .nibabel, .nibabelReoriented: [".nii", ".nii.gz"]
        }
    }

    /// The reader that nnU-Net picks: the first of its list that takes the ending and can read an example.
    public static func select(fileEnding: String, example: URL?) throws -> ImageReaderWriter {
        // nnU-Net's SimpleITKIO does not offer `.nii`: NibabelIO takes those.
        let offered: [(ImageReaderWriter, [String])] = [
            (.naturalImage2D, [".png", ".bmp", ".tif"]), (.simpleITK, [".nii.gz", ".nrrd", ".mha", ".gipl"]),
            (.tiff3D, [".tif", ".tiff"]),
            (.nibabel, [".nii", ".nii.gz"]), (.nibabelReoriented, [".nii", ".nii.gz"]),
        ]
        var failure: (any Error)?
        for (reader, endings) in offered where endings.contains(fileEnding.lowercased()) {
            guard let example else { return reader }
            do {
                _ = try reader.readImages([example])
                return reader
            } catch { failure = failure ?? error }
        }
        throw failure
            ?? ImagingError.unsupported(
                example?.lastPathComponent ?? "the dataset",
                reason:
                    "no reader takes files that end in \"\(fileEnding)\". Supported: .nii.gz, .nii, .nrrd, .mha, .png, .tif, .tiff"
            )
    }

    /// Reads one file per channel and stacks them.
    ///
    /// - Throws: where a file cannot be read, or channels differ in shape or spacing.
    public func readImages(_ files: [URL]) throws -> MedicalImage {
        guard let first = files.first else { throw ImagingError.mismatch("an image without files") }
        var image = try read(first)
        guard files.count > 1 else { return image }
        var elements = image.voxels.elements
        var channels = image.voxels.shape[0]
        let shape = Array(image.voxels.shape.dropFirst())
        for file in files.dropFirst() {
            let next = try read(file)
            guard Array(next.voxels.shape.dropFirst()) == shape else {
                throw ImagingError.mismatch(
                    "\(file.lastPathComponent) has a shape of \(next.voxels.shape.dropFirst().map { $0 }), \(first.lastPathComponent) has \(shape). All channels of a case must lie on one grid."
                )
            }
            guard zip(next.spacing, image.spacing).allSatisfy({ abs($0 - $1) <= 1e-8 + 1e-5 * abs($1) }) else {
                throw ImagingError.mismatch(
                    "\(file.lastPathComponent) has a spacing of \(next.spacing), \(first.lastPathComponent) has \(image.spacing). All channels of a case must lie on one grid."
                )
            }
            elements += next.voxels.elements
            channels += next.voxels.shape[0]
        }
        image.voxels = Volume(shape: [channels] + shape, elements: elements)
        return image
    }

    /// Reads a segmentation, shape (1, z, y, x).
    public func readSegmentation(_ file: URL) throws -> MedicalImage { try read(file) }

    private func read(_ file: URL) throws -> MedicalImage {
        let stored = try StoredImage.read(file)
        switch self {
        case .simpleITK:
            if let refusal = stored.refusal { throw ImagingError.unsupported(file.lastPathComponent, reason: refusal) }
            return try stored.asSimpleITK(file.lastPathComponent)
        case .simpleITKReoriented:
            if let refusal = stored.refusal { throw ImagingError.unsupported(file.lastPathComponent, reason: refusal) }
            return try stored.asSimpleITK(file.lastPathComponent).reorientedToRAS(file.lastPathComponent)
        case .nibabel, .nibabelReoriented:
            guard let affine = stored.affine, let zooms = stored.zooms, stored.size.count == 3, stored.components == 1
            else {
                throw ImagingError.unsupported(
                    file.lastPathComponent, reason: "NibabelIO reads 3D NIfTI images of one number a voxel")
            }
            let image = MedicalImage(
                voxels: Volume(shape: [1] + stored.size.reversed(), elements: stored.values),
                spacing: zooms.prefix(3).reversed(),
                geometry: .nibabel(affine: affine, reoriented: nil))
            return self == .nibabel ? image : image.reorientedByAffine(affine)
        case .naturalImage2D:
            let pixels = stored.size[0] * stored.size[1]
            guard stored.size.count == 2 || stored.size.dropFirst(2).allSatisfy({ $0 == 1 }) else {
                throw ImagingError.unsupported(
                    file.lastPathComponent, reason: "it has more than one page: NaturalImage2DIO reads flat images")
            }
            return MedicalImage(
                voxels: Volume(
                    shape: [stored.components, 1, stored.size[1], stored.size[0]],
                    elements: (0..<stored.components).flatMap { c in
                        (0..<pixels).map { stored.values[$0 * stored.components + c] }
                    }),
                spacing: [999, 1, 1], geometry: .none)
        case .tiff3D:
            guard stored.components == 1 else {
                throw ImagingError.unsupported(
                    file.lastPathComponent, reason: "it is coloured: Tiff3DIO reads stacks of grey pages")
            }
            let depth = stored.size.count > 2 ? stored.size[2] : 1
            return MedicalImage(
                voxels: Volume(shape: [1, depth, stored.size[1], stored.size[0]], elements: stored.values),
                spacing: try TIFFSpacing.read(besides: file) ?? [1, 1, 1], geometry: .none)
        }
    }
}

extension StoredImage {
    /// Reads a file of any supported format, which its content and name tell.
    public static func read(_ file: URL) throws -> StoredImage {
        let name = file.lastPathComponent.lowercased()
        if name.hasSuffix(".nii") || name.hasSuffix(".nii.gz")
            || [".hdr", ".img", ".hdr.gz", ".img.gz"].contains(where: name.hasSuffix)
        {
            return try NIfTI.read(file)
        }
        if name.hasSuffix(".mha") || name.hasSuffix(".mhd") { return try MetaImage.read(file) }
        if name.hasSuffix(".nrrd") || name.hasSuffix(".nhdr") { return try NRRD.read(file) }
        if name.hasSuffix(".png") { return try PNG.read(file) }
        if name.hasSuffix(".tif") || name.hasSuffix(".tiff") { return try TIFF.read(file) }
        throw try UnsupportedFormat.explain(file)
    }

    /// nnU-Net's SimpleITKIO: a channel axis, z, y, x; a flat image gets one slice and 999 times its spacing; a fourth axis
    /// is taken for channels.
    func asSimpleITK(_ name: String) throws -> MedicalImage {
        let geometry = ImageGeometry.simpleITK(spacing: spacing, origin: origin, direction: direction)
        let reversed = Array(size.reversed())
        let between = spacing.reversed().map(abs)
        let values = interceptWithoutSlope == 0 ? values : values.map { $0 + interceptWithoutSlope }
        guard components == 1 else {
            throw ImagingError.unsupported(
                name, reason: "its voxels are colours of \(components) numbers. Save each as an image of its own.")
        }
        switch size.count {
        case 2:
            return MedicalImage(
                voxels: Volume(shape: [1, 1] + reversed, elements: values), spacing: [999 * between.max()!] + between,
                geometry: geometry)
        case 3:
            return MedicalImage(
                voxels: Volume(shape: [1] + reversed, elements: values), spacing: between, geometry: geometry)
        case 4:
            return MedicalImage(
                voxels: Volume(shape: reversed, elements: values), spacing: Array(between.dropFirst()),
                geometry: geometry)
        default: throw ImagingError.unsupported(name, reason: "it has \(size.count) axes; images have two to four")
        }
    }
}
