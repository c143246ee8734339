/// An opaque colour of 8 bits a channel.
public struct Color: Sendable, Equatable {
    public var red, green, blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// A colour as it is written on the web: 0xE69F00.
    public init(_ hex: UInt32) {
        self.init(
            red: UInt8(truncatingIfNeeded: hex >> 16), green: UInt8(truncatingIfNeeded: hex >> 8),
            blue: UInt8(truncatingIfNeeded: hex))
    }

    public static let white = Color(0xFFFFFF)
    public static let black = Color(0x000000)
    /// For text and axes.
    public static let ink = Color(0x26282C)
    /// For what is read second.
    public static let faint = Color(0x6B7078)
    public static let gridLine = Color(0xE3E5E8)

    /// Colours that people with any colour vision tell apart (Okabe and Ito, "Color universal design", 2008), black left out;
    /// then lighter and darker ones of the same hues.
    public static let palette: [Color] = [
        0xE69F00, 0x56B4E9, 0x009E73, 0xF0E442, 0xD55E00, 0xCC79A7, 0x0072B2,
        0xF6CF80, 0xB0DDF5, 0x7FCEB8, 0x8A8420, 0xEFAE80, 0x7A3F61, 0x7FB8D8,
    ].map { Color($0) }

    /// The colour of a label: its place in the palette, over again where there are more; 0 is background and black.
    public static func ofLabel(_ label: Int) -> Color {
        label <= 0 ? .black : palette[(label - 1) % palette.count]
    }

    /// A share of `other` over this colour.
    public func blended(with other: Color, share: Float) -> Color {
        func mix(_ a: UInt8, _ b: UInt8) -> UInt8 {
            UInt8(max(0, min(255, (Float(a) + (Float(b) - Float(a)) * share).rounded())))
        }
        return Color(red: mix(red, other.red), green: mix(green, other.green), blue: mix(blue, other.blue))
    }
}
