/// Shape and spacing of one case, which planning needs as a pair.
public struct CaseGeometry: Codable, Hashable, Sendable, Comparable {
    /// After cropping to nonzero, (z, y, x) in the reader's order.
    public var shape: [Int]
    /// (z, y, x) in the reader's order.
    public var spacing: [Double]

    public init(shape: [Int], spacing: [Double]) {
        self.shape = shape
        self.spacing = spacing
    }

    var isUsable: Bool {
        shape.count == 3 && spacing.count == 3 && shape.allSatisfy { (1...1_000_000).contains($0) }
            && spacing.allSatisfy { $0 > 0 && $0.isFinite }
    }

    public static func < (a: Self, b: Self) -> Bool {
        a.shape == b.shape
            ? a.spacing.lexicographicallyPrecedes(b.spacing) : a.shape.lexicographicallyPrecedes(b.shape)
    }
}
