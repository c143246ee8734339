/// The distances between the surfaces of two masks, each element of surface weighted by its area.
///
/// As defined by Nikolov et al., "Deep learning to achieve clinically applicable segmentation of head and neck anatomy for
/// radiotherapy" (arXiv:1809.04430), and computed by their `surface-distance`: surface elements lie in the cells between
/// voxels, and distances are exact.
public struct SurfaceDistances: Sendable {
    /// A surface element: its distance to the other mask's surface, infinite where that has none, and its area.
    private struct Element {
        var distance: Float
        var area: Float
    }

    /// Sorted by distance.
    private let fromReference: [Element]
    private let fromPrediction: [Element]

    /// - Parameters:
    ///   - reference: shape (z, y, x). Where it has one slice, contours in the slice are compared.
    ///   - prediction: the same shape.
    ///   - spacing: along (z, y, x); the slices' is not used where there is one.
    public init(reference: Volume<Bool>, prediction: Volume<Bool>, spacing: [Double], threads: Int = 1) {
        precondition(
            reference.shape.count == 3 && reference.shape == prediction.shape && spacing.count == 3,
            "masks of \(reference.shape) and \(prediction.shape) with \(spacing.count) spacings")
        let isFlat = reference.shape[0] == 1
        let table =
            isFlat
            ? SurfaceElementTable(contourSpacing: Array(spacing[1...])) : SurfaceElementTable(spacing: spacing)
        let cells = (Self.codes(reference, isFlat: isFlat), Self.codes(prediction, isFlat: isFlat))
        func surface(_ codes: Volume<UInt8>) -> Volume<Bool> { codes.map { $0 != 0 && $0 != 255 } }
        func elements(of codes: Volume<UInt8>, to other: Volume<UInt8>) -> [Element] {
            let distances = EuclideanDistance.toNearest(of: surface(other), spacing: spacing, threads: threads)
            var elements: [Element] = []
            for (code, distance) in zip(codes.elements, distances.elements) where code != 0 && code != 255 {
                elements.append(Element(distance: distance, area: Float(table.areas[Int(code)])))
            }
            return elements.sorted { ($0.distance, $0.area) < ($1.distance, $1.area) }
        }
        fromReference = elements(of: cells.0, to: cells.1)
        fromPrediction = elements(of: cells.1, to: cells.0)
    }

    /// The Hausdorff distance over that share of the surface: the larger of the two directions' percentiles. NaN where
    /// neither mask has a surface, infinite where one has none.
    /// - Parameter percentile: 0 to 100.
    public func hausdorff(percentile: Double) -> Double {
        if fromReference.isEmpty && fromPrediction.isEmpty { return .nan }
        if fromReference.isEmpty || fromPrediction.isEmpty { return .infinity }
        return max(Self.percentile(fromReference, percentile), Self.percentile(fromPrediction, percentile))
    }

    /// The normalised surface Dice: the share of both surfaces that lies within the tolerance of the other. NaN where
    /// neither mask has a surface.
    /// - Parameter tolerance: in the units of the spacing.
    public func surfaceDice(tolerance: Double) -> Double {
        var within = 0.0
        var total = 0.0
        for element in fromReference + fromPrediction {
            total += Double(element.area)
            if Double(element.distance) <= tolerance { within += Double(element.area) }
        }
        return within / total
    }

    private static func percentile(_ elements: [Element], _ percentile: Double) -> Double {
        let total = elements.reduce(0) { $0 + Double($1.area) }
        var sum = 0.0
        for element in elements {
            sum += Double(element.area)
            if sum / total >= percentile / 100 { return Double(element.distance) }
        }
        return Double(elements.last?.distance ?? .nan)
    }

    /// Which voxels of each cell of 2×2×2 are in the mask; one cell more than voxels along each axis, as the outside
    /// counts as empty. Of one slice, cells of 2×2 pixels, with both halves of the code alike.
    private static func codes(_ mask: Volume<Bool>, isFlat: Bool) -> Volume<UInt8> {
        let (depth, height, width) = (mask.shape[0], mask.shape[1], mask.shape[2])
        let shape = [isFlat ? 1 : depth + 1, height + 1, width + 1]
        var codes = Volume<UInt8>(shape: shape, repeating: 0)
        mask.elements.withUnsafeBufferPointer { mask in
            codes.elements.withUnsafeMutableBufferPointer { codes in
                var index = 0
                for z in 0..<depth {
                    for y in 0..<height {
                        for x in 0..<width {
                            defer { index += 1 }
                            guard mask[index] else { continue }
                            // The voxel is the far corner of the cell of its own position and the near one of the next.
                            for corner in 0..<8 {
                                let cellZ = isFlat ? 0 : z + 1 - (corner >> 2 & 1)
                                let cellY = y + 1 - (corner >> 1 & 1)
                                let cellX = x + 1 - (corner & 1)
                                codes[(cellZ * (height + 1) + cellY) * (width + 1) + cellX] |= 1 << UInt8(corner)
                            }
                        }
                    }
                }
            }
        }
        return codes
    }
}
