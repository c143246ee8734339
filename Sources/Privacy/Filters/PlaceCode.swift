/// Ascending places among many, as bytes: one bit for each place there is, or the gaps between those that are meant, whichever
/// is shorter.
///
/// A gap is the number of places skipped, in base 128 with the low digits first; all but its last byte have the high bit set.
enum PlaceCode: String, Codable, Sendable {
    case bitmap, gaps

    /// - Parameters:
    ///   - places: ascending, below `total`.
    static func encode(_ places: [Int], of total: Int) -> (code: PlaceCode, bytes: [UInt8]) {
        let bitmapLength = (total + 7) / 8
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(bitmapLength, 2 * places.count))
        var next = 0
        for place in places {
            var gap = UInt(place - next)
            next = place + 1
            while gap >= 128 {
                bytes.append(UInt8(gap & 127) | 128)
                gap >>= 7
            }
            bytes.append(UInt8(gap))
            if bytes.count > bitmapLength { return (.bitmap, bitmap(places, bitmapLength)) }
        }
        return bytes.count < bitmapLength || places.isEmpty ? (.gaps, bytes) : (.bitmap, bitmap(places, bitmapLength))
    }

    private static func bitmap(_ places: [Int], _ length: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        for place in places { bytes[place >> 3] |= 1 << UInt8(place & 7) }
        return bytes
    }
}
