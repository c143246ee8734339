/// A small font of pen strokes for the printable ASCII characters, drawn for Cohort's figures.
///
/// A glyph is a list of strokes, separated by `|`. A stroke is a list of points, a digit for x and one for y: baselines lie
/// at y 2, small letters reach to 6, capitals to 8, descenders to 0. A stroke that begins with `~` is a smooth curve: a
/// quadratic B-spline that begins at its first and ends at its last point.
enum StrokeFont {
    /// Strokes of a text whose baseline begins at (0, 0), y upwards, capitals `size` high.
    static func strokes(of text: String, size: Double) -> [[Point]] {
        let unit = size / 6
        var x = 0.0
        var result: [[Point]] = []
        for character in text {
            let glyph = glyph(of: character)
            for stroke in glyph.strokes {
                result.append(stroke.map { Point((x + $0.x) * unit, ($0.y - 2) * unit) })
            }
            x += glyph.advance
        }
        return result
    }

    static func width(of text: String, size: Double) -> Double {
        let advance = text.reduce(0) { $0 + glyph(of: $1).advance }
        return max(0, advance - gap) * size / 6
    }

    private struct Glyph {
        var strokes: [[Point]]
        /// From the origin of this character to that of the next.
        var advance: Double
    }

    private static let gap = 1.9

    private static func glyph(of character: Character) -> Glyph {
        guard let code = character.asciiValue, (32..<127).contains(code) else { return unknown }
        return glyphs[Int(code) - 32]
    }

    /// A box, for characters that are not ASCII.
    private static let unknown = Glyph(
        strokes: [[Point(0, 2), Point(0, 8), Point(3, 8), Point(3, 2), Point(0, 2)]], advance: 3 + gap)

    private static let glyphs: [Glyph] = definitions.map { definition in
        let strokes = definition.split(separator: "|").map { decoded($0) }
        let width = strokes.flatMap { $0 }.map(\.x).max() ?? 1.2
        return Glyph(strokes: strokes, advance: width + gap)
    }

    private static func decoded(_ stroke: Substring) -> [Point] {
        let isCurve = stroke.first == "~"
        let points = stroke.drop { $0 == "~" }.split(separator: " ").map { pair in
            let digits = pair.utf8.map { Double($0) - 48 }
            return Point(digits[0], digits[1])
        }
        return isCurve ? smooth(points) : points
    }

    private static func smooth(_ points: [Point]) -> [Point] {
        guard points.count > 2 else { return points }
        func middle(_ a: Point, _ b: Point) -> Point { Point((a.x + b.x) / 2, (a.y + b.y) / 2) }
        var result = [points[0]]
        for index in 1..<points.count - 1 {
            let control = points[index]
            let from = index == 1 ? points[0] : middle(points[index - 1], control)
            let to = index == points.count - 2 ? points[index + 1] : middle(control, points[index + 1])
            for step in 1...8 {
                let t = Double(step) / 8
                let (a, b, c) = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t)
                result.append(Point(a * from.x + b * control.x + c * to.x, a * from.y + b * control.y + c * to.y))
            }
        }
        return result
    }

    /// From the space on, in the order of ASCII.
    // swift-format-ignore
    private static let definitions: [String] = [
        // space ! " #
        "", "08 04|02 02", "08 06|28 26", "12 28|32 48|04 54|06 56",
        // $ %
        "~47 48 08 05 45 42 02 03|29 21", "02 58|~07 08 28 26 06 07|~33 34 54 52 32 33",
        // & ' ( )
        "~52 16 08 38 36 05 02 42 55", "08 06", "~29 07 03 21", "~09 27 23 01",
        // * + , - . /
        "24 28|05 47|07 45", "23 27|05 45", "12 00", "05 35", "02 02", "01 39",
        // 0 1 2 3
        "~05 08 48 42 02 05", "06 28 22", "~06 08 48 45 02|02 42", "~07 08 48 45 15|~15 45 42 02 03",
        // 4 5 6 7
        "32 38 04 44", "48 08 05|~05 46 42 02 03", "~48 08 04|~04 06 46 42 02 04", "08 48 12",
        // 8 9
        "~25 05 08 48 45 25|~25 05 02 42 45 25", "~02 42 46|~46 44 04 08 48 46",
        // : ; < = > ?
        "02 02|05 05", "12 00|15 15", "47 05 43", "04 44|06 46", "07 45 03", "~07 08 48 45 25 24|22 22",
        // @
        "~45 46 26 24 44 45|~46 44 64 68 08 02 52",
        // A B C
        "02 28 42|14 34", "08 02|08 28|~28 48 45 25|05 25|~25 45 42 22|02 22", "~47 48 08 02 42 43",
        // D E F G
        "08 02|08 18|~18 48 42 12|02 12", "48 08 02 42|05 35", "48 08 02|05 35", "~47 48 08 02 42 45|45 25",
        // H I J K L
        "02 08|42 48|05 45", "02 08", "38 34|~34 32 02 04", "02 08|48 04|15 42", "08 02 42",
        // M N O P
        "02 08 34 68 62", "02 08 42 48", "~05 08 58 52 02 05", "02 08 28|~28 48 45 25|25 05",
        // Q R S
        "~05 08 58 52 02 05|33 51", "02 08 28|~28 48 45 25|25 05|25 42", "~47 48 08 05 45 42 02 03",
        // T U V W X
        "08 48|28 22", "08 04|~04 02 42 44|44 48", "08 22 48", "08 12 37 52 68", "08 42|02 48",
        // Y Z [ \ ] ^ _ `
        "08 25 48|25 22", "08 48 02 42", "29 09 01 21", "09 31", "09 29 21 01", "06 28 46", "01 41", "08 17",
        // a b c
        "36 32|~34 36 06 02 32 34", "08 02|~04 06 36 32 02 04", "~35 36 06 02 32 33",
        // d e f
        "38 32|~34 36 06 02 32 34", "04 34|~34 36 06 02 32 33", "~28 18 16|16 12|06 26",
        // g h i
        "36 32|~32 30 00 01|~34 36 06 02 32 34", "08 02|~04 06 36 34|34 32", "02 06|08 08",
        // j k l m
        "16 12|~12 10 00|18 18", "08 02|36 03|14 32", "02 08", "02 06|~04 06 26 24|24 22|~24 26 46 44|44 42",
        // n o p
        "02 06|~04 06 36 34|34 32", "~04 06 36 32 02 04", "06 00|~04 06 36 32 02 04",
        // q r s t
        "36 30|~34 36 06 02 32 34", "02 06|~04 06 26", "~35 36 06 04 34 32 02 03", "18 13|~13 12 22|06 26",
        // u v w x y z
        "06 04|~04 02 32 34|36 32", "06 22 46", "06 12 25 32 46", "06 32|02 36", "06 22|46 10", "06 36 02 32",
        // { | } ~
        "~29 19 15 05|~05 15 11 21", "09 01", "~09 19 15 25|~25 15 11 01", "~04 16 34 46",
    ]
}
