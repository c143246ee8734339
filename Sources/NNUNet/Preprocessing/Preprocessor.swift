import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Turns one case into what a network sees: axes transposed, cropped to nonzero, normalised, resampled.
public struct Preprocessor: Sendable {
    public let plans: Plans
    public let configuration: PlansConfiguration
    public let dataset: DatasetDescription

    public init(plans: Plans, configuration: PlansConfiguration, dataset: DatasetDescription) throws {
        guard configuration.normalizationSchemes.count == dataset.channelNames.count else {
            throw NNUNetError.plan(
                "The plan has \(configuration.normalizationSchemes.count) channels, dataset.json has \(dataset.channelNames.count). Plan again."
            )
        }
        self.plans = plans
        self.configuration = configuration
        self.dataset = dataset
    }

    /// Reads a case's files and preprocesses it.
    public func preprocess(_ raw: RawCase, threads: Int = 1) throws -> PreprocessedCase {
        do {
            guard raw.images.count == dataset.channelNames.count else {
                throw NNUNetError.badCase(
                    raw.identifier,
                    reason:
                        "it has \(raw.images.count) image files for the \(dataset.channelNames.count) channels of dataset.json"
                )
            }
            let image = try plans.imageReaderWriter.readImages(raw.images)
            let labels = try raw.label.map { try plans.imageReaderWriter.readSegmentation($0) }
            return try preprocess(image: image, segmentation: labels?.voxels, threads: threads)
        } catch let error as NNUNetError {
            if case .badCase = error { throw error }
            throw NNUNetError.badCase(raw.identifier, reason: error.description)
        } catch let error as ImagingError {
            throw NNUNetError.badCase(raw.identifier, reason: error.description)
        }
    }

    /// - Parameters:
    ///   - image: in the reader's axes.
    ///   - segmentation: shape (1, z, y, x), where there is one.
    public func preprocess(image: MedicalImage, segmentation: Volume<Float>?, threads: Int = 1) throws
        -> PreprocessedCase
    {
        let transpose = plans.transposeForward
        guard image.voxels.shape[0] == dataset.channelNames.count else {
            throw NNUNetError.plan(
                "the image has \(image.voxels.shape[0]) channels, dataset.json has \(dataset.channelNames.count)")
        }
        if let segmentation, segmentation.shape.dropFirst() != image.voxels.shape.dropFirst() {
            throw NNUNetError.plan(
                "the image has a shape of \(image.voxels.shape.dropFirst().map { $0 }), its label has \(segmentation.shape.dropFirst().map { $0 }). Resample the label onto the image."
            )
        }
        let axes = [0] + transpose.map { $0 + 1 }
        let voxels = image.voxels.transposed(axes)
        guard voxels.elements.allSatisfy(\.isFinite) else {
            throw NNUNetError.plan(
                "the image holds NaN or infinite values. Replace them, by 0 for example, before preprocessing.")
        }
        let labels = try segmentation.map { try Self.integers($0.transposed(axes)) }
        let spacing = transpose.map { image.spacing[$0] }
        let crop = NonzeroCrop(voxels)
        var data = crop.apply(to: voxels)
        var seg = labels.map { crop.apply(toLabels: $0) } ?? crop.labelsOfMask
        var properties = CaseProperties(
            geometry: image.geometry, spacing: image.spacing, shapeBeforeCropping: Array(voxels.shape.dropFirst()),
            cropBox: crop.box,
            shapeAfterCroppingBeforeResampling: crop.shape, classLocations: [])
        try normalize(&data, seg)
        let target = configuration.spacing.count < 3 ? [spacing[0]] + configuration.spacing : configuration.spacing
        let shape = Self.resampledShape(crop.shape, from: spacing, to: target)
        guard shape.allSatisfy({ $0 > 0 }) else {
            throw NNUNetError.plan(
                "a spacing of \(spacing) would leave no voxel at the plan's \(target). Is the header's spacing right?")
        }
        data = try configuration.resamplingOfData.resample(data, to: shape, from: spacing, to: target, threads: threads)
        seg = try configuration.resamplingOfSegmentation.resample(
            labels: seg, to: shape, from: spacing, to: target, threads: threads)
        if segmentation != nil {
            properties.classLocations = ClassLocations.sample(seg, manager: LabelManager(dataset))
        }
        return PreprocessedCase(data: data, segmentation: seg, properties: properties)
    }

    private func normalize(_ data: inout Volume<Float>, _ seg: Volume<Int16>) throws {
        let voxels = seg.count
        try data.elements.withUnsafeMutableBufferPointer { values in
            try seg.elements.withUnsafeBufferPointer { labels in
                for (channel, scheme) in configuration.normalizationSchemes.enumerated() {
                    try scheme.normalize(
                        UnsafeMutableBufferPointer(rebasing: values[channel * voxels..<(channel + 1) * voxels]),
                        labels: labels,
                        intensities: plans.foregroundIntensities[channel],
                        useMask: configuration.useMaskForNorm[channel])
                }
            }
        }
    }

    /// Voxels per axis at another spacing: rounded, halves to even.
    public static func resampledShape(_ shape: [Int], from current: [Double], to target: [Double]) -> [Int] {
        shape.indices.map { Int(roundedHalfEven(current[$0] / target[$0] * Double(shape[$0]))) }
    }

    /// Labels as read (floats) to whole numbers.
    static func integers(_ labels: Volume<Float>) throws -> Volume<Int16> {
        var stranger: Float?
        let integers = Volume<Int16>(
            shape: labels.shape,
            unsafeUninitialized: { out in
                labels.elements.withUnsafeBufferPointer { values in
                    for i in values.indices {
                        let value = values[i]
                        let rounded = Int16(max(-32768, min(32767, value.isNaN ? 0 : value)))
                        if Float(rounded) != value { stranger = value }
                        out[i] = rounded
                    }
                }
            })
        if let stranger {
            throw NNUNetError.plan("the label holds \(stranger), which is no whole number from -32768 to 32767")
        }
        return integers
    }
}
