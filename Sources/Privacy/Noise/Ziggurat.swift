#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// 256 layers of equal area under e^(−x²/2), x ≥ 0; Marsaglia & Tsang 2000, with Doornik's edge (2005).
struct Ziggurat: Sendable {
    static let shared = Ziggurat()
    /// Where the tail begins.
    static let edge = 3.6541528853610088

    /// Right edges of the layers, in units of 2⁻⁶⁰; the lowest layer's stands for the area of its tail as well.
    let widths: [UInt64]
    /// The part of each layer, of 2⁶⁴, that lies wholly below the curve.
    let inner: [UInt64]
    /// The curve's height at each layer's right edge, and at 0.
    let heights: [Double]

    private init() {
        let area =
            Self.edge * exp(-0.5 * Self.edge * Self.edge) + (Double.pi / 2).squareRoot()
            * erfc(Self.edge * 0.5.squareRoot())
        var edges = [area / exp(-0.5 * Self.edge * Self.edge), Self.edge]
        for _ in 2..<256 {
            let last = edges.last!
            edges.append((-2 * log(area / last + exp(-0.5 * last * last))).squareRoot())
        }
        edges.append(0)
        widths = edges.dropLast().map { UInt64($0 * 0x1p60) }
        inner = (0..<256).map { UInt64(min(0x1p64.nextDown, edges[$0 + 1] / edges[$0] * 0x1p64)) }
        heights = [0] + edges.dropFirst().map { exp(-0.5 * $0 * $0) }
    }
}
