/// A piece of a page. What a literal says is markup; every text put into it by interpolation is escaped, so that a name
/// with `<` in it is a name and never markup.
struct HTML: ExpressibleByStringInterpolation, Sendable, Equatable {
    private(set) var text: String

    init(stringLiteral value: String) { text = value }
    init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

    static let empty: HTML = ""

    static func + (a: HTML, b: HTML) -> HTML {
        var sum = a
        sum.text += b.text
        return sum
    }

    static func += (a: inout HTML, b: HTML) { a.text += b.text }

    struct Interpolation: StringInterpolationProtocol {
        var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 8)
        }

        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ markup: HTML) { text += markup.text }
        mutating func appendInterpolation(_ items: [HTML]) { for item in items { text += item.text } }
        mutating func appendInterpolation(_ number: Int) { text += String(number) }
        /// A coordinate: one decimal is a tenth of a pixel.
        mutating func appendInterpolation(_ coordinate: Double) { text += Quantity.decimal(coordinate, 1) }

        mutating func appendInterpolation(_ content: some StringProtocol) {
            for scalar in content.unicodeScalars {
                switch scalar {
                case "&": text += "&amp;"
                case "<": text += "&lt;"
                case ">": text += "&gt;"
                case "\"": text += "&quot;"
                case "'": text += "&#39;"
                // HTML has no control characters, and those that turn the direction of text can disguise a name.
                case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{7F}"..."\u{9F}",
                    "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}":
                    text += "\u{FFFD}"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
    }
}

extension [HTML] {
    func joined(separator: HTML = "") -> HTML {
        var sum = HTML.empty
        for (index, item) in enumerated() { sum += index > 0 ? separator + item : item }
        return sum
    }
}
