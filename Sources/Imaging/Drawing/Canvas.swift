#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A colour of 8 bits a channel.
public struct Color: Sendable, Equatable {
    public var red, green, blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) { (self.red, self.green, self.blue) = (red, green, blue) }

    public static let white = Color(255, 255, 255)
    public static let black = Color(20, 20, 20)
    public static let grey = Color(120, 120, 120)
    public static let lightGrey = Color(226, 226, 226)

    /// Colours that stay apart for colour-blind readers too: Okabe and Ito 2008.
    public static let palette = [
        Color(230, 159, 0), Color(86, 180, 233), Color(0, 158, 115), Color(213, 94, 0), Color(204, 121, 167),
        Color(0, 114, 178),
        Color(240, 228, 66),
    ]

    /// The colour of a label above 0.
    public static func label(_ index: Int) -> Color { palette[(index - 1) % palette.count] }
}

/// A picture to draw on, for figures that go into a PNG file.
public struct Canvas: Sendable {
    public let width: Int
    public let height: Int
    public private(set) var pixels: [UInt8]

    public init(width: Int, height: Int, background: Color = .white) {
        self.width = width
        self.height = height
        pixels = [UInt8](repeating: 0, count: width * height * 3)
        fill(0, 0, width, height, background)
    }

    public subscript(x: Int, y: Int) -> Color {
        get {
            let i = (y * width + x) * 3
            return Color(pixels[i], pixels[i + 1], pixels[i + 2])
        }
        set { blend(x, y, newValue, 1) }
    }

    /// Mixes a colour in; places outside are passed over.
    public mutating func blend(_ x: Int, _ y: Int, _ color: Color, _ opacity: Double) {
        guard x >= 0, y >= 0, x < width, y < height, opacity > 0 else { return }
        let i = (y * width + x) * 3
        func mix(_ old: UInt8, _ new: UInt8) -> UInt8 {
            UInt8((Double(old) + (Double(new) - Double(old)) * min(1, opacity)).rounded())
        }
        pixels[i] = mix(pixels[i], color.red)
        pixels[i + 1] = mix(pixels[i + 1], color.green)
        pixels[i + 2] = mix(pixels[i + 2], color.blue)
    }

    public mutating func fill(_ x: Int, _ y: Int, _ width: Int, _ height: Int, _ color: Color) {
        for row in max(0, y)..<max(0, min(self.height, y + height)) {
            for column in max(0, x)..<max(0, min(self.width, x + width)) {
                let i = (row * self.width + column) * 3
                (pixels[i], pixels[i + 1], pixels[i + 2]) = (color.red, color.green, color.blue)
            }
        }
    }

    /// A line with soft edges; coordinates are of pixel centres.
    public mutating func line(
        _ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double, _ color: Color, thickness: Double = 1.6
    ) {
        let (dx, dy) = (x1 - x0, y1 - y0)
        let length = (dx * dx + dy * dy).squareRoot()
        let reach = thickness / 2 + 1
        for y in Int(min(y0, y1) - reach)...Int(max(y0, y1) + reach) {
            for x in Int(min(x0, x1) - reach)...Int(max(x0, x1) + reach) {
                let t =
                    length == 0
                    ? 0 : max(0, min(1, ((Double(x) - x0) * dx + (Double(y) - y0) * dy) / (length * length)))
                let (ex, ey) = (Double(x) - x0 - t * dx, Double(y) - y0 - t * dy)
                blend(x, y, color, thickness / 2 + 0.5 - (ex * ex + ey * ey).squareRoot())
            }
        }
    }

    /// Text whose top left corner is at (x, y); each dot of a letter is `scale` pixels wide.
    public mutating func text(_ text: String, _ x: Int, _ y: Int, _ color: Color = .black, scale: Int = 2) {
        var left = x
        for character in text {
            let glyph = BitmapFont.glyph(character)
            for row in 0..<BitmapFont.height {
                for column in 0..<BitmapFont.width
                where glyph >> UInt64((BitmapFont.height - 1 - row) * BitmapFont.width + BitmapFont.width - 1 - column)
                    & 1 == 1
                {
                    fill(left + column * scale, y + row * scale, scale, scale, color)
                }
            }
            left += (BitmapFont.width + 1) * scale
        }
    }

    /// The size of a text in pixels.
    public static func size(of text: String, scale: Int = 2) -> (width: Int, height: Int) {
        (max(0, text.count * (BitmapFont.width + 1) - 1) * scale, BitmapFont.height * scale)
    }

    public func write(to url: URL) throws {
        try PNG.write(width: width, height: height, channels: 3, bytes: pixels, to: url)
    }
}
