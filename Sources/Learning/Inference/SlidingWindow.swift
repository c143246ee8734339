/// Where the tiles of a sliding window lie over an image, by nnU-Net's rules.
///
/// An image smaller than the patch is padded with zeros, centred, the odd voxel at the upper side. Tiles then start at
/// evenly spread positions, at most `stepSize` patches apart. A 2D patch visits every slice of the first axis.
public struct SlidingWindow: Sendable, Equatable {
    /// The image's spatial shape, before padding.
    public let imageShape: [Int]
    /// Extent of a tile along every axis of the image; 1 along the slice axis of a 2D patch.
    public let tileShape: [Int]
    /// Zeros before the image, per axis.
    public let paddingBefore: [Int]
    /// The image's shape with its padding; nowhere less than the tile's.
    public let paddedShape: [Int]
    /// Starts of the tiles per axis, in the padded image.
    public let positions: [[Int]]

    /// - Parameters:
    ///   - imageShape: the spatial shape of the preprocessed image.
    ///   - patchSize: the network's patch: as many axes as the image has, or one less.
    ///   - stepSize: largest distance between neighbouring tiles as a share of the patch, in (0, 1].
    public init(imageShape: [Int], patchSize: [Int], stepSize: Double = 0.5) throws {
        guard patchSize.count == imageShape.count || patchSize.count == imageShape.count - 1, !patchSize.isEmpty,
            imageShape.allSatisfy({ $0 > 0 }), patchSize.allSatisfy({ $0 > 0 })
        else { throw LearningError.patchDoesNotFit(patch: patchSize, image: imageShape) }
        guard stepSize > 0, stepSize <= 1 else { throw LearningError.stepSizeOutOfRange(stepSize) }
        self.imageShape = imageShape
        let tile = [Int](repeating: 1, count: imageShape.count - patchSize.count) + patchSize
        let missing = zip(imageShape, tile).map { max(0, $1 - $0) }
        tileShape = tile
        paddingBefore = missing.map { $0 / 2 }
        paddedShape = zip(imageShape, missing).map { $0 + $1 }
        let slices = imageShape.count - patchSize.count
        positions = zip(paddedShape, tile).enumerated().map { axis, extent in
            axis < slices
                ? Array(0..<extent.0) : Self.steps(size: extent.0, patch: extent.1, stepSize: stepSize)
        }
    }

    /// Starts of the tiles along one axis, for an image that is at least as long as the patch.
    public static func steps(size: Int, patch: Int, stepSize: Double) -> [Int] {
        let span = size - patch
        let count = Int((Double(span) / (Double(patch) * stepSize)).rounded(.up)) + 1
        guard count > 1 else { return [0] }
        let distance = Double(span) / Double(count - 1)
        return (0..<count).map { Int((distance * Double($0)).rounded(.toNearestOrEven)) }
    }

    /// Starts of all tiles in the padded image; the first axis is the outermost loop.
    public var tiles: [[Int]] {
        positions.reduce([[]]) { tiles, axis in tiles.flatMap { tile in axis.map { tile + [$0] } } }
    }

    public var tileCount: Int { positions.reduce(1) { $0 * $1.count } }

    /// The subsets of axes to mirror, the empty one first: every tile's prediction is the mean over them.
    ///
    /// - Parameter axes: the axes that the training mirrored, counted from the patch's first; nil where it did not.
    public static func mirrorings(of axes: [Int]?) -> [[Int]] {
        guard let axes else { return [[]] }
        let subsets = axes.reduce([[Int]]([[]])) { subsets, axis in subsets + subsets.map { $0 + [axis] } }
        return subsets.enumerated().sorted { ($0.element.count, $0.offset) < ($1.element.count, $1.offset) }
            .map(\.element)
    }
}
