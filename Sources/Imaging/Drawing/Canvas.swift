#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A point of a canvas: x to the right, y downwards, in pixels; a pixel's centre lies at half.
public struct Point: Sendable, Equatable {
    public var x, y: Double

    public init(_ x: Double, _ y: Double) {
        self.x = x
        self.y = y
    }
}

/// A rectangle of a canvas, in pixels.
public struct Rectangle: Sendable, Equatable {
    public var x, y, width, height: Double

    public init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    public var right: Double { x + width }
    public var bottom: Double { y + height }
}

/// An RGB raster with the few shapes that a figure is made of: filled rectangles, smooth lines, text.
public struct Canvas: Sendable {
    public let width: Int
    public let height: Int
    /// Red, green, blue; row by row from the top.
    public private(set) var pixels: [UInt8]

    public init(width: Int, height: Int, background: Color = .white) {
        precondition(width > 0 && height > 0, "a canvas of \(width)×\(height) pixels")
        self.width = width
        self.height = height
        pixels = [UInt8](repeating: 0, count: width * height * 3)
        fill(Rectangle(x: 0, y: 0, width: Double(width), height: Double(height)), background)
    }

    public subscript(x: Int, y: Int) -> Color {
        get {
            let at = (y * width + x) * 3
            return Color(red: pixels[at], green: pixels[at + 1], blue: pixels[at + 2])
        }
        set {
            let at = (y * width + x) * 3
            pixels[at] = newValue.red
            pixels[at + 1] = newValue.green
            pixels[at + 2] = newValue.blue
        }
    }

    /// Fills a rectangle, its edges rounded to whole pixels; what lies outside of the canvas is left out.
    public mutating func fill(_ rectangle: Rectangle, _ color: Color, opacity: Float = 1) {
        let columns =
            max(
                0, Int(rectangle.x.rounded()))..<max(
                0, min(width, Int(rectangle.right.rounded())), Int(rectangle.x.rounded()))
        let rows =
            max(
                0, Int(rectangle.y.rounded()))..<max(
                0, min(height, Int(rectangle.bottom.rounded())), Int(rectangle.y.rounded()))
        for y in rows where y < height {
            for x in columns where x < width {
                self[x, y] = opacity >= 1 ? color : self[x, y].blended(with: color, share: opacity)
            }
        }
    }

    /// The four edges of a rectangle, one pixel wide.
    public mutating func outline(_ rectangle: Rectangle, _ color: Color) {
        fill(Rectangle(x: rectangle.x, y: rectangle.y, width: rectangle.width, height: 1), color)
        fill(Rectangle(x: rectangle.x, y: rectangle.bottom - 1, width: rectangle.width, height: 1), color)
        fill(Rectangle(x: rectangle.x, y: rectangle.y, width: 1, height: rectangle.height), color)
        fill(Rectangle(x: rectangle.right - 1, y: rectangle.y, width: 1, height: rectangle.height), color)
    }

    /// A smooth line of round ends; one point is a dot. Points that are not finite break it.
    ///
    /// - Parameter clip: nothing is drawn outside of it.
    public mutating func line(
        _ points: [Point], _ color: Color, width: Double = 1.5, dash: (on: Double, off: Double)? = nil,
        clip: Rectangle? = nil
    ) {
        let clip = clip ?? Rectangle(x: 0, y: 0, width: Double(self.width), height: Double(height))
        if points.count == 1 { segment(points[0], points[0], color, width, clip) }
        var travelled = 0.0
        for (a, b) in zip(points, points.dropFirst()) {
            guard a.x.isFinite, a.y.isFinite, b.x.isFinite, b.y.isFinite else {
                travelled = 0
                continue
            }
            guard let dash else {
                segment(a, b, color, width, clip)
                continue
            }
            let length = ((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y)).squareRoot()
            let period = dash.on + dash.off
            guard length > 0, period > 0 else { continue }
            var begin = -travelled.truncatingRemainder(dividingBy: period)
            while begin < length {
                let from = max(0, begin) / length
                let to = min(length, begin + dash.on) / length
                if to > from {
                    segment(
                        Point(a.x + (b.x - a.x) * from, a.y + (b.y - a.y) * from),
                        Point(a.x + (b.x - a.x) * to, a.y + (b.y - a.y) * to), color, width, clip)
                }
                begin += period
            }
            travelled += length
        }
    }

    /// Every pixel takes as much colour as its distance to the segment leaves.
    private mutating func segment(_ a: Point, _ b: Point, _ color: Color, _ lineWidth: Double, _ clip: Rectangle) {
        let half = lineWidth / 2
        let left = max(0, clip.x, (min(a.x, b.x) - half - 1).rounded(.down))
        let right = min(Double(width), clip.right, (max(a.x, b.x) + half + 1).rounded(.up))
        let top = max(0, clip.y, (min(a.y, b.y) - half - 1).rounded(.down))
        let bottom = min(Double(height), clip.bottom, (max(a.y, b.y) + half + 1).rounded(.up))
        guard left < right, top < bottom else { return }
        let (dx, dy) = (b.x - a.x, b.y - a.y)
        let squared = dx * dx + dy * dy
        for y in Int(top)..<Int(bottom) {
            for x in Int(left)..<Int(right) {
                let (px, py) = (Double(x) + 0.5 - a.x, Double(y) + 0.5 - a.y)
                let along = squared > 0 ? max(0, min(1, (px * dx + py * dy) / squared)) : 0
                let (ex, ey) = (px - along * dx, py - along * dy)
                let cover = half + 0.5 - (ex * ex + ey * ey).squareRoot()
                if cover > 0 {
                    self[x, y] = self[x, y].blended(with: color, share: Float(min(1, cover)))
                }
            }
        }
    }

    /// Where the given point of a text lies in it.
    public enum Anchor: Sendable { case left, centre, right }

    /// Writes one line of text.
    ///
    /// - Parameters:
    ///   - at: on the baseline, at the anchor.
    ///   - size: height of capitals, in pixels.
    ///   - upwards: turned by a quarter, reading from the bottom to the top.
    public mutating func text(
        _ text: String, at: Point, size: Double = 9, _ color: Color = .ink, anchor: Anchor = .left, bold: Bool = false,
        upwards: Bool = false
    ) {
        let length = StrokeFont.width(of: text, size: size)
        let shift = anchor == .left ? 0 : anchor == .centre ? -length / 2 : -length
        for stroke in StrokeFont.strokes(of: text, size: size) {
            let points = stroke.map { point in
                upwards
                    ? Point(at.x - point.y, at.y - point.x - shift)
                    : Point(at.x + point.x + shift, at.y - point.y)
            }
            line(points, color, width: size * (bold ? 0.19 : 0.125))
        }
    }

    public func write(to url: URL) throws {
        try PNG.write(width: width, height: height, channels: 3, bytes: pixels, to: url)
    }
}
