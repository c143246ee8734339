import Imaging
import NNUNet

/// The way back from a case's crop box, on the plan's axes, to the whole image on its own.
public struct CroppedGrid: Sendable, Equatable {
    /// On the plan's axes.
    public let shapeBeforeCropping: [Int]
    public let cropBox: [Range<Int>]
    /// The image's axis `i` is the plan's axis `transposeBackward[i]`.
    public let transposeBackward: [Int]

    /// - Throws: ``LearningError/unreadable(file:fact:)`` where the properties do not fit each other.
    public init(_ properties: CaseProperties, transposeBackward: [Int]) throws {
        let shape = properties.shapeBeforeCropping
        guard properties.cropBox.count == shape.count, transposeBackward.sorted() == Array(shape.indices),
            zip(properties.cropBox, shape).allSatisfy({ $0.lowerBound >= 0 && $0.upperBound <= $1 })
        else {
            throw LearningError.unreadable(
                file: "the case's properties",
                fact: "a crop box of \(properties.cropBox) in \(shape) with axes \(transposeBackward) is impossible")
        }
        shapeBeforeCropping = shape
        cropBox = properties.cropBox
        self.transposeBackward = transposeBackward
    }

    /// The image's own shape.
    public var imageShape: [Int] { transposeBackward.map { shapeBeforeCropping[$0] } }

    /// Puts labels of the crop box, shape (axes of the plan…), into the image, 0 elsewhere.
    public func labels(_ values: Volume<UInt16>) throws -> Volume<UInt16> {
        try placed(values.reshaped(to: [1] + values.shape), outside: [0]).reshaped(to: imageShape)
    }

    /// Puts probabilities of the crop box, shape (head, axes of the plan…), into the image. Outside of it the background
    /// is certain, which is the first head unless heads are regions.
    public func probabilities(_ values: Volume<Float>, heads: SegmentationHeads) throws -> Volume<Float> {
        try placed(values, outside: (0..<heads.count).map { $0 == 0 && !heads.areRegions ? 1 : 0 })
    }

    private func placed<Element>(_ values: Volume<Element>, outside: [Element]) throws -> Volume<Element> {
        let box = cropBox.map(\.count)
        guard values.shape == [outside.count] + box else {
            throw LearningError.unreadable(
                file: "the prediction", fact: "its shape \(values.shape) is not that of the crop box, \(box)")
        }
        let target = imageShape
        let strides = Volume<Element>.strides(of: target)
        // The step in the image along each of the plan's axes.
        var steps = [Int](repeating: 0, count: box.count)
        for (axis, planAxis) in transposeBackward.enumerated() { steps[planAxis] = strides[axis] }
        let origin = zip(cropBox, steps).reduce(0) { $0 + $1.0.lowerBound * $1.1 }
        let voxels = target.reduce(1, *)
        let row = box.last ?? 1
        let rows = row == 0 ? 0 : box.reduce(1, *) / row
        return Volume(
            shape: [outside.count] + target,
            unsafeUninitialized: { image in
                values.elements.withUnsafeBufferPointer { source in
                    for (channel, value) in outside.enumerated() {
                        image[channel * voxels..<(channel + 1) * voxels].update(repeating: value)
                        var index = [Int](repeating: 0, count: max(0, box.count - 1))
                        var from = channel * rows * row
                        for _ in 0..<rows {
                            var to = channel * voxels + origin
                            for axis in index.indices { to += index[axis] * steps[axis] }
                            let step = steps[steps.count - 1]
                            for offset in 0..<row { image[to + offset * step] = source[from + offset] }
                            from += row
                            var axis = index.count - 1
                            while axis >= 0 {
                                index[axis] += 1
                                if index[axis] < box[axis] { break }
                                index[axis] = 0
                                axis -= 1
                            }
                        }
                    }
                }
            })
    }
}
