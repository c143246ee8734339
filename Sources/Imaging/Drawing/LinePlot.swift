#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Lines over epochs: one panel of a figure, with axes, grid and legend.
public struct LinePlot: Sendable {
    public struct Series: Sendable {
        public var name: String
        public var values: [Double]
        public var color: Color
        /// Measured on the right axis.
        public var isRight: Bool

        public init(_ name: String, _ values: [Double], _ color: Color, isRight: Bool = false) {
            self.name = name
            self.values = values
            self.color = color
            self.isRight = isRight
        }
    }

    public var title: String
    public var left: String
    public var right: String?
    public var series: [Series]

    public init(title: String, left: String, right: String? = nil, series: [Series]) {
        self.title = title
        self.left = left
        self.right = right
        self.series = series
    }

    /// Draws into a rectangle of a canvas.
    public func draw(on canvas: inout Canvas, x: Int, y: Int, width: Int, height: Int) {
        let margins = (left: 110, right: right == nil ? 40 : 110, top: 64, bottom: 56)
        let frame = (
            x: x + margins.left, y: y + margins.top, width: width - margins.left - margins.right,
            height: height - margins.top - margins.bottom
        )
        canvas.text(title, frame.x, y + 8, scale: 2)
        let count = max(1, series.map(\.values.count).max() ?? 1)
        func across(_ index: Double) -> Double {
            Double(frame.x) + (count == 1 ? 0.5 : index / Double(count - 1)) * Double(frame.width)
        }

        for step in Self.ticks(0, Double(max(1, count - 1)), about: 8) where step == step.rounded() {
            let at = Int(across(step).rounded())
            guard at <= frame.x + frame.width else { continue }
            canvas.fill(at, frame.y, 1, frame.height, .lightGrey)
            let label = "\(Int(step))"
            canvas.text(label, at - Canvas.size(of: label).width / 2, frame.y + frame.height + 10, .grey)
        }
        canvas.text("epoch", frame.x + frame.width / 2 - 28, frame.y + frame.height + 34, .grey)

        for isRight in [false, true] {
            let mine = series.filter { $0.isRight == isRight }
            let values = mine.flatMap(\.values).filter(\.isFinite)
            guard var low = values.min(), var high = values.max() else { continue }
            let room = high > low ? (high - low) * 0.06 : max(abs(high) * 0.1, 1e-6)
            (low, high) = (low - room, high + room)
            func up(_ value: Double) -> Double {
                Double(frame.y + frame.height) - (value - low) / (high - low) * Double(frame.height)
            }
            for tick in Self.ticks(low, high, about: 6) {
                let at = Int(up(tick).rounded())
                if !isRight { canvas.fill(frame.x, at, frame.width, 1, .lightGrey) }
                let label = Self.text(tick)
                let size = Canvas.size(of: label)
                canvas.text(
                    label, isRight ? frame.x + frame.width + 10 : frame.x - 10 - size.width, at - size.height / 2, .grey
                )
            }
            for line in mine {
                var last: (Double, Double)?
                for (index, value) in line.values.enumerated() {
                    guard value.isFinite else {
                        last = nil
                        continue
                    }
                    let here = (across(Double(index)), up(value))
                    if let last { canvas.line(last.0, last.1, here.0, here.1, line.color, thickness: 2.4) }
                    if line.values.count <= 40 { canvas.line(here.0, here.1, here.0, here.1, line.color, thickness: 6) }
                    last = here
                }
            }
        }
        canvas.fill(frame.x, frame.y, 1, frame.height, .grey)
        canvas.fill(frame.x, frame.y + frame.height, frame.width, 1, .grey)
        if right != nil { canvas.fill(frame.x + frame.width, frame.y, 1, frame.height, .grey) }
        canvas.text(left, x + 8, frame.y - 24, .grey)
        if let right { canvas.text(right, x + width - 8 - Canvas.size(of: right).width, frame.y - 24, .grey) }
        var legend = x + width - 16 - series.reduce(0) { $0 + Canvas.size(of: $1.name).width + 62 }
        for line in series {
            canvas.fill(legend, y + 13, 28, 4, line.color)
            canvas.text(line.name, legend + 36, y + 8, .black)
            legend += Canvas.size(of: line.name).width + 62
        }
    }

    /// Round numbers between two bounds.
    static func ticks(_ low: Double, _ high: Double, about count: Int) -> [Double] {
        guard high > low else { return [low] }
        let raw = (high - low) / Double(count)
        let magnitude = pow(10, log10(raw).rounded(.down))
        let step = magnitude * ([1, 2, 5, 10].first { $0 * magnitude >= raw } ?? 10)
        var ticks: [Double] = []
        var tick = (low / step).rounded(.up) * step
        while tick <= high + step * 1e-9 {
            ticks.append((tick / step).rounded() * step)
            tick += step
        }
        return ticks
    }

    /// A short text of a number.
    static func text(_ value: Double) -> String {
        if value == 0 { return "0" }
        let magnitude = abs(value)
        if magnitude < 1e-3 || magnitude >= 1e5 {
            let exponent = Int(log10(magnitude).rounded(.down))
            let mantissa = (value / pow(10, Double(exponent)) * 10).rounded() / 10
            return "\(mantissa == mantissa.rounded() ? "\(Int(mantissa))" : "\(mantissa)")e\(exponent)"
        }
        let rounded = (value * 1000).rounded() / 1000
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
