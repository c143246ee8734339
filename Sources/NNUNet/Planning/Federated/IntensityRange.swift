/// A range of float32 values, both ends included, that a histogram divides into up to 65,536 bins.
///
/// Its ends are the values' places in the order of all finite float32, not the values: so a bin holds a known number of
/// float32, and the bins of a bin are single ones. Two histograms find any value among all that float32 has.
public struct IntensityRange: Codable, Hashable, Sendable {
    public let low, high: UInt32

    public static let largestBinCount = 65_536

    init(low: UInt32, high: UInt32) {
        self.low = low
        self.high = high
    }

    public init(_ low: Float, _ high: Float) { self.init(low: low.place, high: high.place) }

    /// The value of a range that holds no other.
    var value: Float? { low == high ? Float(place: low) : nil }

    private var placesPerBin: UInt32 {
        UInt32((UInt64(high - low) + UInt64(Self.largestBinCount)) / UInt64(Self.largestBinCount))
    }

    var binCount: Int { Int((high - low) / placesPerBin) + 1 }

    /// The bin of a value; nil outside.
    func bin(of value: Float) -> Int? {
        let place = value.place
        return place < low || place > high ? nil : Int((place - low) / placesPerBin)
    }

    subscript(bin: Int) -> IntensityRange {
        let start = low + UInt32(bin) * placesPerBin
        return IntensityRange(low: start, high: start + min(placesPerBin - 1, high - start))
    }
}

extension Float {
    /// Where a number stands in the order of all numbers that are not NaN.
    var place: UInt32 { bitPattern >> 31 == 1 ? ~bitPattern : bitPattern | 1 << 31 }

    init(place: UInt32) { self.init(bitPattern: place >> 31 == 1 ? place & ~(1 << 31) : ~place) }
}
