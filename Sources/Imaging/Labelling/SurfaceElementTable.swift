/// The area of surface inside each cell of 2×2×2 voxels, by which of the eight are in the mask; in 2D the length of the
/// contour in 2×2 pixels.
///
/// The surface runs through the middles of the edges between voxels in and out of the mask, as in marching cubes; voxels
/// that touch only diagonally are apart; a polygon that is not flat is split into the triangles of largest area at unit
/// spacing. These areas are those of DeepMind's `surface-distance` for every cell and spacing.
struct SurfaceElementTable {
    /// Indexed by code: bit 4·z + 2·y + x is set where that voxel of the cell is in the mask.
    let areas: [Double]

    /// - Parameter spacing: along z, y, x.
    init(spacing: [Double]) {
        areas = Self.triangles.map { triangles in
            triangles.reduce(0) { $0 + Self.area($1, spacing) }
        }
    }

    /// Contour lengths of cells in one slice, where bits of z = 0 and z = 1 are alike.
    /// - Parameter spacing: along y, x.
    init(contourSpacing spacing: [Double]) {
        let diagonal = (spacing[0] * spacing[0] + spacing[1] * spacing[1]).squareRoot() / 2
        areas = (0..<256).map { code in
            let corners = (0..<4).map { code >> $0 & 1 == 1 }
            switch corners.count(where: { $0 }) {
            case 1, 3: return diagonal
            case 2 where corners[0] == corners[3]: return 2 * diagonal
            case 2 where corners[0] == corners[1]: return spacing[1]
            case 2: return spacing[0]
            default: return 0
            }
        }
    }

    // MARK: Geometry of a cell

    /// A point in units of half a voxel.
    private struct Point: Hashable { var z, y, x: Int }
    private typealias Triangle = (Point, Point, Point)

    private static let triangles: [[Triangle]] = (0..<256).map { code in
        polygons(of: code).flatMap(largestTriangulation)
    }

    private static func area(_ triangle: Triangle, _ spacing: [Double]) -> Double {
        func side(_ a: Point, _ b: Point) -> (Double, Double, Double) {
            (Double(b.z - a.z) * spacing[0] / 2, Double(b.y - a.y) * spacing[1] / 2, Double(b.x - a.x) * spacing[2] / 2)
        }
        let (a, b) = (side(triangle.0, triangle.1), side(triangle.0, triangle.2))
        let normal = (a.1 * b.2 - a.2 * b.1, a.2 * b.0 - a.0 * b.2, a.0 * b.1 - a.1 * b.0)
        return (normal.0 * normal.0 + normal.1 * normal.1 + normal.2 * normal.2).squareRoot() / 2
    }

    /// Closed lines along the faces of the cell that separate voxels in the mask from those out of it.
    private static func polygons(of code: Int) -> [[Point]] {
        var links: [Point: [Point]] = [:]
        // On a face with two opposite corners in the mask, the fewer of the cell's corners are cut off one by one.
        let apart = code.nonzeroBitCount <= 4
        for axis in 0..<3 {
            for side in 0..<2 {
                let corners = [(0, 0), (0, 1), (1, 1), (1, 0)].map { corner(axis, side, $0.0, $0.1) }
                let inside = corners.map { code >> ($0.z * 4 + $0.y * 2 + $0.x) & 1 == 1 }
                let middles = (0..<4).map { position -> Point in
                    let (a, b) = (corners[position], corners[(position + 1) % 4])
                    return Point(z: a.z + b.z, y: a.y + b.y, x: a.x + b.x)
                }
                let crossings = (0..<4).filter { inside[$0] != inside[($0 + 1) % 4] }
                var segments: [(Point, Point)] = []
                if crossings.count == 2 {
                    segments = [(middles[crossings[0]], middles[crossings[1]])]
                } else if crossings.count == 4 {
                    for position in 0..<4 where inside[position] == apart {
                        segments.append((middles[(position + 3) % 4], middles[position]))
                    }
                }
                for (a, b) in segments {
                    links[a, default: []].append(b)
                    links[b, default: []].append(a)
                }
            }
        }
        var polygons: [[Point]] = []
        while let start = links.keys.min(by: { ($0.z, $0.y, $0.x) < ($1.z, $1.y, $1.x) }) {
            var polygon: [Point] = []
            var current: Point? = start
            while let point = current {
                polygon.append(point)
                let next = links.removeValue(forKey: point) ?? []
                current = next.first { links[$0] != nil }
            }
            polygons.append(polygon)
        }
        return polygons
    }

    private static func corner(_ axis: Int, _ side: Int, _ a: Int, _ b: Int) -> Point {
        switch axis {
        case 0: Point(z: side, y: a, x: b)
        case 1: Point(z: a, y: side, x: b)
        default: Point(z: a, y: b, x: side)
        }
    }

    private static func largestTriangulation(_ polygon: [Point]) -> [Triangle] {
        triangulations(polygon).max { a, b in
            a.reduce(0) { $0 + area($1, [1, 1, 1]) } < b.reduce(0) { $0 + area($1, [1, 1, 1]) } - 1e-9
        } ?? []
    }

    private static func triangulations(_ polygon: [Point]) -> [[Triangle]] {
        guard polygon.count >= 3, let first = polygon.first, let last = polygon.last else { return [[]] }
        return (1..<polygon.count - 1).flatMap { middle in
            triangulations(Array(polygon[...middle])).flatMap { left in
                triangulations(Array(polygon[middle...])).map { left + $0 + [(first, polygon[middle], last)] }
            }
        }
    }
}
