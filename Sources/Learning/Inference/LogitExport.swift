import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// From logits on the plan's grid to a segmentation on the image's own.
public struct LogitExport: Sendable {
    public let plans: Plans
    public let configuration: PlansConfiguration
    public let labels: LabelManager

    public init(plans: Plans, configuration: PlansConfiguration, labels: LabelManager) {
        self.plans = plans
        self.configuration = configuration
        self.labels = labels
    }

    /// Labels in the image's own axes, (z, y, x).
    ///
    /// Heads are resampled one after the other under a running maximum, so that never more than one of them is held at full
    /// resolution.
    public func segmentation(_ logits: Volume<Float>, of properties: CaseProperties) throws -> Volume<UInt16> {
        let (shape, current, target) = grid(properties)
        let voxels = shape.reduce(1, *)
        var result = [UInt16](repeating: 0, count: voxels)
        func head(_ index: Int) throws -> Volume<Float> {
            let count = logits.count / logits.shape[0]
            let one = Volume(
                shape: [1] + logits.shape.dropFirst(),
                elements: Array(logits.elements[index * count..<(index + 1) * count]))
            return try configuration.resamplingOfProbabilities.resample(one, to: shape, from: current, to: target)
        }
        if labels.hasRegions {
            for (index, label) in labels.regionsClassOrder.enumerated() {
                let values = try head(index).elements
                for i in 0..<voxels where values[i] > 0 { result[i] = UInt16(label) }  // a sigmoid above one half
            }
        } else {
            var best = try head(0).elements
            for (index, label) in labels.allLabels.enumerated().dropFirst() {
                let values = try head(index).elements
                best.withUnsafeMutableBufferPointer { best in
                    result.withUnsafeMutableBufferPointer { result in
                        for i in 0..<voxels where values[i] > best[i] {
                            best[i] = values[i]
                            result[i] = UInt16(label)
                        }
                    }
                }
            }
        }
        return try CroppedGrid(properties, transposeBackward: plans.transposeBackward).labels(
            Volume(shape: shape, elements: result))
    }

    /// Probabilities of every head in the image's own axes, (head, z, y, x).
    public func probabilities(_ logits: Volume<Float>, of properties: CaseProperties) throws -> Volume<Float> {
        let (shape, current, target) = grid(properties)
        var values = try configuration.resamplingOfProbabilities.resample(logits, to: shape, from: current, to: target)
        let voxels = shape.reduce(1, *)
        let heads = values.shape[0]
        let regions = labels.hasRegions
        values.elements.withUnsafeMutableBufferPointer { (values: inout UnsafeMutableBufferPointer<Float>) in
            for i in 0..<voxels {
                let positions = stride(from: i, to: heads * voxels, by: voxels)
                if regions {
                    for at in positions { values[at] = 1 / (1 + exp(-values[at])) }
                    continue
                }
                var largest = -Float.infinity
                for at in positions { largest = max(largest, values[at]) }
                var sum: Float = 0
                for at in positions {
                    let value: Float = exp(values[at] - largest)
                    values[at] = value
                    sum += value
                }
                for at in positions { values[at] /= sum }
            }
        }
        return try CroppedGrid(properties, transposeBackward: plans.transposeBackward)
            .probabilities(values, heads: SegmentationHeads(labels))
    }

    /// Writes the segmentation, and with it, where asked for, `case.npz` and `case.pkl` as nnU-Net's ensembles take them.
    public func write(
        _ logits: Volume<Float>, of properties: CaseProperties, _ identifier: String, fileEnding: String,
        in folder: URL,
        withProbabilities: Bool
    ) throws {
        if withProbabilities {
            let probabilities = try probabilities(logits, of: properties)
            let array = NumericArray(probabilities.elements, shape: probabilities.shape)
            try NPZ.write([("probabilities", array)], to: folder.appending(path: identifier + ".npz"))
            try properties.write(to: folder.appending(path: identifier + ".pkl"))
        }
        try plans.imageReaderWriter.writeSegmentation(
            segmentation(logits, of: properties), geometry: properties.geometry, spacing: properties.spacing,
            to: folder.appending(path: identifier + fileEnding))
    }

    /// The crop box's shape, and the spacings to resample from and to.
    private func grid(_ properties: CaseProperties) -> (shape: [Int], current: [Double], target: [Double]) {
        let original = plans.transposeForward.map { properties.spacing[$0] }
        let plan = configuration.spacing
        return (properties.shapeAfterCroppingBeforeResampling, plan.count < 3 ? [original[0]] + plan : plan, original)
    }
}

#if canImport(Glibc)
    import func Glibc.exp
#elseif canImport(Musl)
    import func Musl.exp
#elseif canImport(Darwin)
    import func Darwin.exp
#endif
