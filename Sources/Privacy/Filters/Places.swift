/// Encoded places, checked whole when they are taken, of which any stretch can be read.
struct Places: Sendable {
    let code: PlaceCode
    let bytes: [UInt8]
    let total: Int
    let count: Int
    /// Where reading can begin: every so many bytes of a bitmap, or so many places of gaps.
    private var marks: [Mark] = []

    private struct Mark {
        /// Places from here on have not been read.
        var place: Int
        var byte: Int
        /// How many places come before.
        var rank: Int
    }

    private static let interval = 2048

    /// - Throws: where the bytes do not hold exactly `count` places, ascending, below `total`.
    init(_ code: PlaceCode, _ bytes: [UInt8], count: Int, of total: Int, for filter: String) throws {
        (self.code, self.bytes, self.total, self.count) = (code, bytes, total, count)
        let isSound =
            switch code {
            case .bitmap: markBitmap()
            case .gaps: markGaps()
            }
        guard isSound else {
            throw PrivacyError.malformed(filter, "its places are not \(count) of \(total), in ascending order")
        }
    }

    private mutating func markBitmap() -> Bool {
        guard bytes.count == (total + 7) / 8 else { return false }
        var rank = 0
        for (index, byte) in bytes.enumerated() {
            if index % Self.interval == 0 { marks.append(Mark(place: index * 8, byte: index, rank: rank)) }
            rank += byte.nonzeroBitCount
        }
        let spare = bytes.count * 8 - total
        return rank == count && (spare == 0 || bytes.last! >> UInt8(8 - spare) == 0)
    }

    private mutating func markGaps() -> Bool {
        // Every place takes a byte at least.
        guard count <= bytes.count else { return false }
        var (next, byte) = (0, 0)
        for rank in 0..<count {
            if rank % Self.interval == 0 { marks.append(Mark(place: next, byte: byte, rank: rank)) }
            guard let gap = gap(at: &byte), gap < total - next else { return false }
            next += gap + 1
        }
        return byte == bytes.count
    }

    /// The gap at a byte, which moves on; nil where it does not end, or is longer than 2⁴².
    private func gap(at byte: inout Int) -> Int? {
        var (gap, shift) = (0, 0)
        while byte < bytes.count, shift < 42 {
            let digit = Int(bytes[byte])
            byte += 1
            gap |= (digit & 127) << shift
            if digit < 128 { return gap }
            shift += 7
        }
        return nil
    }

    /// The places in a range, and how many come before it.
    func places(in range: Range<Int>) -> (rank: Int, places: [Int]) {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].place <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return (0, []) }
        let mark = marks[low - 1]
        var rank = mark.rank
        var places: [Int] = []
        switch code {
        case .bitmap:
            for byte in mark.byte..<min(bytes.count, (range.upperBound + 7) / 8) {
                var bits = bytes[byte]
                while bits != 0 {
                    let place = byte * 8 + bits.trailingZeroBitCount
                    bits &= bits - 1
                    if place < range.lowerBound { rank += 1 } else if place < range.upperBound { places.append(place) }
                }
            }
        case .gaps:
            var (next, byte, read) = (mark.place, mark.byte, mark.rank)
            while read < count, let gap = gap(at: &byte) {
                let place = next + gap
                if place >= range.upperBound { break }
                if place < range.lowerBound { rank += 1 } else { places.append(place) }
                next = place + 1
                read += 1
            }
        }
        return (rank, places)
    }
}
