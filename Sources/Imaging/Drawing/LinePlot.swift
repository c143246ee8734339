#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Lines over one x axis and one or two y axes, with ticks, grid and legend, drawn into a part of a canvas.
public struct LinePlot: Sendable {
    public enum Axis: Sendable { case left, right }

    /// One line: `values[i]` at x = i + 1. What is not finite leaves a gap.
    public struct Series: Sendable {
        public var name: String
        public var values: [Double]
        public var color: Color
        public var axis: Axis
        public var isDashed: Bool
        public var width: Double

        public init(
            _ name: String, _ values: [Double], _ color: Color, axis: Axis = .left, isDashed: Bool = false,
            width: Double = 2
        ) {
            self.name = name
            self.values = values
            self.color = color
            self.axis = axis
            self.isDashed = isDashed
            self.width = width
        }
    }

    public var title: String
    public var xLabel: String
    public var leftLabel: String
    public var rightLabel: String
    public var series: [Series]
    /// What an axis must at least cover.
    public var leftBounds: ClosedRange<Double>?
    public var rightBounds: ClosedRange<Double>?

    public init(
        title: String = "", xLabel: String = "", leftLabel: String = "", rightLabel: String = "", series: [Series],
        leftBounds: ClosedRange<Double>? = nil, rightBounds: ClosedRange<Double>? = nil
    ) {
        self.title = title
        self.xLabel = xLabel
        self.leftLabel = leftLabel
        self.rightLabel = rightLabel
        self.series = series
        self.leftBounds = leftBounds
        self.rightBounds = rightBounds
    }

    /// Ticks at round numbers (1, 2 or 5 times a power of ten), about `count` of them, that enclose a range.
    package static func ticks(over range: ClosedRange<Double>, count: Int, wholeNumbers: Bool = false) -> [Double] {
        var (low, high) = (range.lowerBound, range.upperBound)
        if !(high - low > 1e-12 * max(abs(low), abs(high))) {
            let pad = low == 0 ? 1 : abs(low) * 0.1
            (low, high) = (low - pad, high + pad)
        }
        let rough = (high - low) / Double(max(1, count))
        let power = pow(10, log10(rough).rounded(.down))
        let share = rough / power
        var step = power * (share <= 1.0001 ? 1 : share <= 2.0001 ? 2 : share <= 5.0001 ? 5 : 10)
        if wholeNumbers { step = max(1, step.rounded()) }
        let first = (low / step + 1e-9).rounded(.down)
        let last = (high / step - 1e-9).rounded(.up)
        return (0...max(1, Int(last - first))).map { (first + Double($0)) * step }
    }

    /// A tick's number with as many decimals as its step needs; very small and large ones with an exponent.
    package static func label(_ value: Double, step: Double) -> String {
        let magnitude = max(abs(value), step)
        if value == 0 { return "0" }
        if magnitude >= 1e6 || magnitude < 1e-3 {
            let exponent = Int(log10(abs(value)).rounded(.down))
            let mantissa = value / pow(10, Double(exponent))
            return label(mantissa, step: step / pow(10, Double(exponent))) + "e\(exponent)"
        }
        let decimals = max(0, min(9, Int((-log10(step) - 1e-9).rounded(.up))))
        return decimal(value, decimals)
    }

    /// A number with a fixed count of decimals.
    package static func decimal(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
        let scale = pow(10, Double(decimals))
        let scaled = Int((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        let digits = String(scaled % Int(scale))
        return sign + "\(scaled / Int(scale))." + String(repeating: "0", count: decimals - digits.count) + digits
    }

    /// Draws the plot, its labels included, inside `frame`.
    public func draw(on canvas: inout Canvas, in frame: Rectangle) {
        let hasRight = series.contains { $0.axis == .right }
        let top = frame.y + (title.isEmpty ? 12 : 34) + (series.count > 1 ? 22 : 0)
        let area = Rectangle(
            x: frame.x + 84, y: top, width: frame.width - 84 - (hasRight ? 84 : 24),
            height: frame.bottom - top - (xLabel.isEmpty ? 30 : 50))
        if !title.isEmpty {
            canvas.text(title, at: Point(area.x, frame.y + 20), size: 11, bold: true)
        }
        let length = series.map(\.values.count).max() ?? 0
        let xTicks = Self.ticks(over: 1...Double(max(2, length)), count: 10, wholeNumbers: true)
            .filter { $0 >= 1 && $0 <= Double(max(1, length)) }
        let xRange = 1.0...Double(max(2, length))
        func column(_ x: Double) -> Double {
            area.x + (x - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound) * area.width
        }
        for tick in xTicks {
            canvas.line([Point(column(tick), area.y), Point(column(tick), area.bottom)], .gridLine, width: 1)
            canvas.text(String(Int(tick)), at: Point(column(tick), area.bottom + 18), anchor: .centre)
        }
        if !xLabel.isEmpty {
            canvas.text(xLabel, at: Point(area.x + area.width / 2, area.bottom + 40), anchor: .centre)
        }
        draw(.left, on: &canvas, in: area, column: column)
        if hasRight { draw(.right, on: &canvas, in: area, column: column) }
        canvas.outline(area, .faint)
        if series.count > 1 { legend(on: &canvas, at: Point(area.x, area.y - 10)) }
    }

    private func draw(_ axis: Axis, on canvas: inout Canvas, in area: Rectangle, column: (Double) -> Double) {
        let lines = series.filter { $0.axis == axis }
        let finite = lines.flatMap(\.values).filter(\.isFinite)
        var (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
        if let bounds = axis == .left ? leftBounds : rightBounds {
            (low, high) = (min(low, bounds.lowerBound), max(high, bounds.upperBound))
        }
        let ticks = Self.ticks(over: low...high, count: max(3, Int(area.height / 50)))
        let (bottom, top, step) = (ticks[0], ticks[ticks.count - 1], ticks[1] - ticks[0])
        func row(_ y: Double) -> Double { area.bottom - (y - bottom) / (top - bottom) * area.height }
        for tick in ticks {
            if axis == .left, tick != bottom {
                canvas.line([Point(area.x, row(tick)), Point(area.right, row(tick))], .gridLine, width: 1)
            }
            let at = axis == .left ? Point(area.x - 8, row(tick) + 4.5) : Point(area.right + 8, row(tick) + 4.5)
            canvas.text(Self.label(tick, step: step), at: at, anchor: axis == .left ? .right : .left)
        }
        let label = axis == .left ? leftLabel : rightLabel
        let middle = area.y + area.height / 2
        if !label.isEmpty {
            canvas.text(
                label, at: Point(axis == .left ? area.x - 62 : area.right + 70, middle), anchor: .centre, upwards: true)
        }
        for line in lines {
            let points = line.values.enumerated().map { Point(column(Double($0.offset + 1)), row($0.element)) }
            if points.count < 60 {
                for point in points where point.y.isFinite {
                    canvas.line([point], line.color, width: line.width + 3, clip: area)
                }
            }
            canvas.line(points, line.color, width: line.width, dash: line.isDashed ? (5, 4) : nil, clip: area)
        }
    }

    private func legend(on canvas: inout Canvas, at: Point) {
        var x = at.x
        for line in series {
            canvas.line(
                [Point(x, at.y - 4.5), Point(x + 26, at.y - 4.5)], line.color, width: line.width + 0.5,
                dash: line.isDashed ? (5, 4) : nil)
            canvas.text(line.name, at: Point(x + 33, at.y))
            x += 33 + StrokeFont.width(of: line.name, size: 9) + 26
        }
    }
}
