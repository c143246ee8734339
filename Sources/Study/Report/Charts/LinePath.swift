/// The marks of one line of points with gaps: strokes, thin bridges over gaps, and dots where they are needed.
struct LinePath {
    var stroke: HTML = ""
    var bridges: HTML = ""
    /// Where to put dots: all points of a short line, else those without a neighbour.
    var dots: [(index: Int, x: Double, y: Double)] = []

    /// - Parameter points: coordinates in order; what is not finite is a gap.
    init(_ points: [(x: Double, y: Double)], dotsBelow limit: Int) {
        var last: Int?
        for (index, point) in points.enumerated() where point.y.isFinite && point.x.isFinite {
            let follows = last == index - 1
            if follows {
                stroke += "L\(point.x) \(point.y)"
            } else {
                if let last { bridges += "M\(points[last].x) \(points[last].y)L\(point.x) \(point.y)" }
                stroke += "M\(point.x) \(point.y)"
            }
            let hasNext = index + 1 < points.count && points[index + 1].y.isFinite
            if points.count < limit || !follows && !hasNext { dots.append((index, point.x, point.y)) }
            last = index
        }
    }
}
