/// A curve as small as a word, to stand in a table; all of a table share one scale.
struct Sparkline {
    var points: [RunHistory.Point]
    var rounds: ClosedRange<Int>
    var values: ClosedRange<Double>

    private static let (width, height, margin) = (120.0, 24.0, 3.0)

    var drawing: HTML {
        let span = Double(max(1, rounds.count - 1))
        let extent = max(values.upperBound - values.lowerBound, 1e-12)
        let path = LinePath(
            points.map { point in
                (
                    Self.margin + Double(point.round - rounds.lowerBound) / span * (Self.width - 2 * Self.margin),
                    Self.height - Self.margin
                        - (point.value - values.lowerBound) / extent * (Self.height - 2 * Self.margin)
                )
            }, dotsBelow: 0)
        guard path.stroke != "" else { return .empty }
        let dots = path.dots.map { dot -> HTML in "<circle cx=\"\(dot.x)\" cy=\"\(dot.y)\" r=\"1.5\"/>" }
        return """
            <svg class="spark" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" aria-hidden="true">\
            <g class="line"><path class="bridge" d="\(path.bridges)"/><path d="\(path.stroke)"/>\(dots)</g></svg>
            """
    }
}
