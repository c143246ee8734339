/// The area that a chart draws in: rounds go to the right in bands of one width, values go up.
///
/// All charts of a report share it, so that a round stands at the same place in each.
struct Plot {
    static let width = 1000.0
    static let left = 52.0
    /// Room for the names of lines at their ends.
    static let labels = 220.0
    static let top = 24.0
    static let bottom = 26.0

    let height: Double
    let rounds: ClosedRange<Int>
    let scale: Scale

    /// A round's share of the width. A few rounds make a narrow chart and not a few points far apart.
    var band: Double { min(120, (Self.width - Self.labels - Self.left) / Double(rounds.count)) }
    var right: Double { Self.left + band * Double(rounds.count) }
    var base: Double { height - Self.bottom }

    func x(_ round: Int) -> Double { Self.left + (Double(round - rounds.lowerBound) + 0.5) * band }
    func y(_ value: Double) -> Double { base - scale.share(of: value) * (base - Self.top) }

    /// The grid with its numbers, and `content` over it.
    func drawing(title: String, content: HTML) -> HTML {
        var grid = HTML.empty
        for tick in scale.ticks {
            grid += """
                <path class="grid" d="M\(Self.left) \(y(tick))H\(right)"/>\
                <text class="tick end" x="\(Self.left - 8)" y="\(y(tick) + 4)">\(minus(scale.label(tick)))</text>
                """
        }
        for tick in roundTicks {
            grid += """
                <path class="axis" d="M\(x(tick)) \(base)v4"/>\
                <text class="tick middle" x="\(x(tick))" y="\(base + 18)">\(tick)</text>
                """
        }
        return """
            <svg viewBox="0 0 \(Int(Self.width)) \(Int(height))" role="img" aria-label="\(title)">\
            \(grid)<path class="axis" d="M\(Self.left) \(base)H\(right)"/>\
            <text class="tick" x="\(right + 16)" y="\(base + 18)">round</text>\(content)</svg>
            """
    }

    private var roundTicks: [Int] {
        let (first, last) = (rounds.lowerBound, rounds.upperBound)
        guard last > first else { return [first] }
        let ticks = Scale(covering: Double(first)...Double(last), count: 10, wholeNumbers: true).ticks.map { Int($0) }
        let inside = ticks.filter { rounds.contains($0) && $0 > 0 }
        // The first round is always said where it does not touch the next number.
        guard let next = inside.first, next != first, x(next) - x(first) > 24 else { return inside }
        return [first] + inside
    }
}

/// A typographic minus, as wide as a plus.
func minus(_ text: String) -> String { text.hasPrefix("-") ? "−" + text.dropFirst() : text }
