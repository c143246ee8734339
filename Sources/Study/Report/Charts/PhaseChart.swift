/// Where a round's time goes: a bar a round, a piece a phase.
struct PhaseChart {
    var rounds: [RoundRecord]
    var phases: [String]
    var range: ClosedRange<Int>
    var height = 250.0

    /// Beyond this many rounds, one bar is the mean of several.
    static let mostBars = 300

    /// The time's unit by the longest round: seconds, minutes or hours.
    private var unit: (name: String, seconds: Double) {
        let longest = rounds.map(\.totalSeconds).max() ?? 0
        return longest < 300 ? ("seconds", 1) : longest < 10_800 ? ("minutes", 60) : ("hours", 3600)
    }

    var unitName: String { unit.name }
    var roundsPerBar: Int { max(1, (range.count + Self.mostBars - 1) / Self.mostBars) }

    private struct Bar {
        var rounds: ClosedRange<Int>
        var seconds: [Double]
    }

    private var bars: [Bar] {
        stride(from: range.lowerBound, through: range.upperBound, by: roundsPerBar).compactMap { first in
            let last = min(range.upperBound, first + roundsPerBar - 1)
            let members = rounds.filter { $0.round >= first && $0.round <= last }
            guard !members.isEmpty else { return nil }
            let seconds = phases.map { phase in
                members.map { $0.seconds[phase] ?? 0 }.filter { $0.isFinite && $0 > 0 }.reduce(0, +)
                    / Double(members.count)
            }
            return Bar(rounds: first...last, seconds: seconds)
        }
    }

    var drawing: HTML {
        let bars = bars
        let highest = bars.map { $0.seconds.reduce(0, +) }.max() ?? 0
        guard highest > 0 else { return .empty }
        let plot = Plot(
            height: height, rounds: range, scale: Scale(covering: 0...highest / unit.seconds, count: 4))
        let content = bars.map { bar -> HTML in
            let left = plot.x(bar.rounds.lowerBound) - plot.band / 2
            let full = plot.band * Double(bar.rounds.count)
            let width = full > 4 ? min(64, full * 0.78) : full + 0.4  // overlapping, for no seams
            var below = 0.0
            var text =
                bar.rounds.count == 1 ? "round \(bar.rounds.lowerBound)" : "rounds \(Self.text(bar.rounds)), mean"
            let pieces = zip(phases, bar.seconds).enumerated().map { index, piece -> HTML in
                let (phase, seconds) = piece
                guard seconds > 0 else { return .empty }
                let y = plot.y((below + seconds) / unit.seconds)
                let height = plot.y(below / unit.seconds) - y
                below += seconds
                text += "; \(phase) \(Quantity.seconds(seconds))"
                return """
                    <rect class="p\(index % 8 + 1)" x="\(left + (full - width) / 2)" y="\(y)" width="\(width)" \
                    height="\(height)"/>
                    """
            }
            return "<g><title>\(text)</title>\(pieces)</g>"
        }
        return plot.drawing(title: "Time of each round by phase", content: content.joined() + legend(in: plot))
    }

    private static func text(_ rounds: ClosedRange<Int>) -> String { "\(rounds.lowerBound)–\(rounds.upperBound)" }

    /// The phases from the top of a bar down, each with its share of the whole time.
    private func legend(in plot: Plot) -> HTML {
        let totals = phases.map { phase in
            rounds.map { $0.seconds[phase] ?? 0 }.filter { $0.isFinite && $0 > 0 }.reduce(0, +)
        }
        let total = max(totals.reduce(0, +), .leastNormalMagnitude)
        return phases.indices.reversed().enumerated().map { place, index -> HTML in
            let y = Plot.top + 6 + Double(place) * 20
            let share = totals[index] / total * 100
            let percent = share > 0 && share < 1 ? "<1 %" : Quantity.decimal(share, 0) + " %"
            return """
                <rect class="p\(index % 8 + 1)" x="\(plot.right + 15)" y="\(y - 6)" width="11" height="11" rx="2"/>\
                <text class="name" x="\(plot.right + 32)" y="\(y + 4)">\
                \(Plain.shortened(phases[index], to: 18)) <tspan class="value">\(percent)</tspan></text>
                """
        }.joined()
    }
}
