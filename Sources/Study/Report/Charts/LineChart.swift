/// Curves over rounds: thin ones for sites, a bold one for the global model, names and last values at their ends.
struct LineChart {
    enum Style: Equatable {
        case global
        /// A colour of the page's palette, from 1.
        case colored(Int)
        /// One of many that only together say something.
        case faint

        var name: String {
            switch self {
            case .global: "global"
            case .colored(let color): "c\(color)"
            case .faint: "many"
            }
        }
    }

    struct Line {
        var name: String
        var style: Style
        var points: [RunHistory.Point]
        /// Written at the line's end; nil leaves the line without a name.
        var label: String?
    }

    var title: String
    var lines: [Line]
    var rounds: ClosedRange<Int>
    var height = 320.0
    var decimals = 3
    /// A round that is marked, and what is written there.
    var mark: (round: Int, text: String)?

    static let dotsBelow = 32
    private static let labelHeight = 16.0

    var drawing: HTML {
        let values = lines.flatMap(\.points).map(\.value).filter(\.isFinite)
        guard let low = values.min(), let high = values.max() else { return .empty }
        let plot = Plot(
            height: height, rounds: rounds, scale: Scale(covering: low...high, count: Int(height / 55)))
        var content = mark.map { Self.marking($0.round, $0.text, in: plot) } ?? .empty
        for line in lines.reversed() { content += draw(line, in: plot) }
        return plot.drawing(title: title, content: content + labels(in: plot))
    }

    private static func marking(_ round: Int, _ text: String, in plot: Plot) -> HTML {
        let x = plot.x(round)
        let anchor = x < Plot.left + 60 ? "" : x > plot.right - 60 ? " end" : " middle"
        return """
            <path class="mark" d="M\(x) \(Plot.top - 6)V\(plot.base)"/>\
            <text class="note\(anchor)" x="\(x)" y="\(Plot.top - 11)">\(text)</text>
            """
    }

    private func draw(_ line: Line, in plot: Plot) -> HTML {
        let path = LinePath(line.points.map { (plot.x($0.round), plot.y($0.value)) }, dotsBelow: Self.dotsBelow)
        let dots = path.dots.map { dot -> HTML in
            let point = line.points[dot.index]
            let text = "\(line.name), round \(point.round): \(minus(Quantity.decimal(point.value, decimals)))"
            return """
                <circle cx="\(dot.x)" cy="\(dot.y)" r="\(line.style == .global ? 3.5 : 2.5)"><title>\(text)</title></circle>
                """
        }
        let bridges: HTML = path.bridges == "" ? "" : "<path class=\"bridge\" d=\"\(path.bridges)\"/>"
        return """
            <g class="line \(line.style.name)"><title>\(line.name)</title>\(bridges)\
            <path d="\(path.stroke)"/>\(dots)</g>
            """
    }

    /// Names at the ends of lines, moved apart where they would touch; a thread leads from an end to its name.
    private func labels(in plot: Plot) -> HTML {
        var ends = lines.compactMap { line -> (line: Line, end: RunHistory.Point, y: Double)? in
            guard line.label != nil, let end = line.points.last(where: \.value.isFinite) else { return nil }
            return (line, end, plot.y(end.value))
        }
        ends.sort { $0.y < $1.y }
        let places = Self.spread(ends.map(\.y), apart: Self.labelHeight, within: Plot.top...plot.base - 8)
        let last = lines.flatMap(\.points).map(\.round).max() ?? 0
        return zip(ends, places).map { end, y -> HTML in
            let x = plot.right + 32
            let isEarly = end.end.round < last
            let value = minus(Quantity.decimal(end.end.value, decimals)) + (isEarly ? " (r. \(end.end.round))" : "")
            // A thread from a line that ended long ago would look like a part of it.
            let thread: HTML =
                isEarly
                ? ""
                : """
                <path class="thread \(end.line.style.name)" d="M\(plot.x(end.end.round) + 4) \(end.y)\
                L\(plot.right + 1) \(end.y)L\(x - 17) \(y)"/>
                """
            return """
                \(thread)<path class="swatch \(end.line.style.name)" d="M\(x - 17) \(y)H\(x - 6)"/>\
                <text class="name \(end.line.style.name)" x="\(x)" y="\(y + 4)">\
                \(Plain.shortened(end.line.label ?? "", to: isEarly ? 14 : 18)) <tspan class="value">\(value)</tspan></text>
                """
        }.joined()
    }

    /// Moves ascending places so that each is `apart` from the next, as little as a pass down and one up can.
    static func spread(_ wanted: [Double], apart: Double, within range: ClosedRange<Double>) -> [Double] {
        var places = wanted
        for index in places.indices {
            places[index] = max(places[index], index == 0 ? range.lowerBound : places[index - 1] + apart)
        }
        for index in places.indices.reversed() {
            places[index] = min(
                places[index], index == places.count - 1 ? range.upperBound : places[index + 1] - apart)
        }
        return places
    }
}
