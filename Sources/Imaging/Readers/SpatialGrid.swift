/// A grid of voxels in ITK's LPS world: what turns an index into a place.
struct SpatialGrid: Equatable {
    /// Fastest axis first, as spacing and origin.
    var size: [Int]
    var spacing: [Double]
    var origin: [Double]
    /// Row by row; column i is where axis i points.
    var direction: [Double]

    init(size: [Int], spacing: [Double], origin: [Double], direction: [Double]) {
        self.size = size
        self.spacing = spacing
        self.origin = origin
        self.direction = direction
    }

    /// From a 4×4 voxel-to-RAS matrix.
    init(size: [Int], rasAffine affine: [Double]) {
        self.size = size
        let lengths = (0..<3).map { c in (0..<3).reduce(0) { $0 + affine[4 * $1 + c] * affine[4 * $1 + c] }.squareRoot() }
        spacing = lengths
        direction = (0..<9).map { i in
            let (row, column) = (i / 3, i % 3)
            return lengths[column] > 0 ? (row < 2 ? -1 : 1) * affine[4 * row + column] / lengths[column] : (row == column ? 1 : 0)
        }
        origin = [-affine[3], -affine[7], affine[11]]
    }

    /// The 4×4 voxel-to-RAS matrix, row by row; a flat grid lies in the plane z = 0.
    var rasAffine: [Double] {
        let rank = size.count
        var matrix: [Double] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        for row in 0..<min(rank, 3) {
            let sign = row < 2 ? -1.0 : 1.0
            for column in 0..<min(rank, 3) { matrix[4 * row + column] = sign * direction[row * rank + column] * spacing[column] }
            matrix[4 * row + 3] = sign * origin[row]
        }
        return matrix
    }

    /// The same voxels with their axes in another order and sense, and the grid that they then lie on.
    func reoriented<Element>(_ values: [Element], to target: Orientation) -> ([Element], SpatialGrid) {
        let present = Orientation(ofDirection: direction)
        let source = target.axes.map { wanted in present.axes.firstIndex { $0.world == wanted.world }! }
        let flips = zip(target.axes, source).map { $0.positive != present.axes[$1].positive }
        var grid = self
        grid.size = source.map { size[$0] }
        grid.spacing = source.map { spacing[$0] }
        for axis in 0..<3 {
            for row in 0..<3 { grid.direction[3 * row + axis] = direction[3 * row + source[axis]] * (flips[axis] ? -1 : 1) }
            if flips[axis] {
                let reach = Double(size[source[axis]] - 1) * spacing[source[axis]]
                for row in 0..<3 { grid.origin[row] += direction[3 * row + source[axis]] * reach }
            }
        }
        let steps = [1, size[0], size[0] * size[1]]
        var result: [Element] = []
        result.reserveCapacity(values.count)
        func position(_ axis: Int, _ index: Int) -> Int {
            (flips[axis] ? grid.size[axis] - 1 - index : index) * steps[source[axis]]
        }
        for z in 0..<grid.size[2] {
            for y in 0..<grid.size[1] {
                let row = position(2, z) + position(1, y)
                for x in 0..<grid.size[0] { result.append(values[row + position(0, x)]) }
            }
        }
        return (result, grid)
    }
}

/// Which way an image's axes run, such as "RAS": the three letters name where each axis points to, fastest first.
public struct Orientation: Sendable, Equatable, CustomStringConvertible {
    struct Axis: Equatable {
        /// 0 left–right, 1 posterior–anterior, 2 inferior–superior.
        var world: Int
        /// Towards right, anterior or superior.
        var positive: Bool
    }
    var axes: [Axis]

    private static let letters = [["L", "R"], ["P", "A"], ["I", "S"]]

    init(axes: [Axis]) { self.axes = axes }

    static let ras = Orientation(axes: (0..<3).map { Axis(world: $0, positive: true) })

    /// Reads three letters. They name where an axis points to.
    public init(_ code: String) throws {
        let axes = code.uppercased().compactMap { letter -> Axis? in
            for (world, pair) in Self.letters.enumerated() {
                if let side = pair.firstIndex(of: String(letter)) { return Axis(world: world, positive: side == 1) }
            }
            return nil
        }
        guard axes.count == 3, Set(axes.map(\.world)).count == 3 else {
            throw ImagingError.mismatch("\"\(code)\" is no orientation such as RAS or LPS")
        }
        self.axes = axes
    }

    /// Of an LPS direction matrix: each axis goes to the world axis that it is nearest to, the clearest one first.
    init(ofDirection direction: [Double]) {
        var axes = [Axis](repeating: Axis(world: 0, positive: true), count: 3)
        var free = (columns: Set(0..<3), rows: Set(0..<3))
        for _ in 0..<3 {
            var best = (value: -1.0, row: 0, column: 0)
            for column in free.columns.sorted() {
                for row in free.rows.sorted() where abs(direction[3 * row + column]) > best.value {
                    best = (abs(direction[3 * row + column]), row, column)
                }
            }
            let sign = direction[3 * best.row + best.column] * (best.row < 2 ? -1 : 1)
            axes[best.column] = Axis(world: best.row, positive: sign > 0)
            free.columns.remove(best.column)
            free.rows.remove(best.row)
        }
        self.axes = axes
    }

    public var description: String { axes.map { Self.letters[$0.world][$0.positive ? 1 : 0] }.joined() }
}

extension MedicalImage {
    /// NibabelIOWithReorient: axes in the order and sense of RAS.
    func reorientedByAffine(_ affine: [Double]) -> MedicalImage {
        let grid = SpatialGrid(size: voxels.shape.dropFirst().reversed(), rasAffine: affine)
        let (values, canonical) = grid.reoriented(voxels.elements, to: .ras)
        return MedicalImage(
            voxels: Volume(shape: [1] + canonical.size.reversed(), elements: values), spacing: canonical.spacing.reversed(),
            geometry: .nibabel(affine: affine, reoriented: canonical.rasAffine))
    }

    /// SimpleITKIOWithReorient: the same for an ITK image, with the code of the way back.
    func reorientedToRAS(_ name: String) throws -> MedicalImage {
        guard case .simpleITK(let spacing, let origin, let direction) = geometry, spacing.count == 3 else {
            throw ImagingError.unsupported(name, reason: "only 3D images can be reoriented")
        }
        let grid = SpatialGrid(size: voxels.shape.dropFirst().reversed(), spacing: spacing, origin: origin, direction: direction)
        // ITK's "RAS" names where the axes point to, as here.
        let target = Orientation.ras
        let (values, canonical) = grid.reoriented(voxels.elements, to: target)
        return MedicalImage(
            voxels: Volume(shape: [1] + canonical.size.reversed(), elements: values), spacing: canonical.spacing.reversed().map(abs),
            geometry: .simpleITKReoriented(
                spacing: canonical.spacing, origin: canonical.origin, direction: canonical.direction,
                originalOrientation: Orientation(ofDirection: direction).description))
    }
}
