/// A walk over bytes in memory whose every step is checked against their end. Integers are little-endian.
struct ByteReader {
    let bytes: [UInt8]
    /// Named in errors.
    let file: String
    private(set) var position: Int
    let end: Int

    init(_ bytes: [UInt8], file: String, position: Int = 0) {
        self.bytes = bytes
        self.file = file
        self.position = position
        end = bytes.count
    }

    var remaining: Int { end - position }

    mutating func skip(_ count: Int) throws { _ = try range(count) }

    /// The positions of the next `count` bytes, which are then behind.
    mutating func range(_ count: Int) throws -> Range<Int> {
        guard count >= 0, count <= remaining else {
            throw FileError.malformed(
                file: file, fact: "it ends at \(end) where \(count) bytes from \(position) are needed")
        }
        defer { position += count }
        return position..<position + count
    }

    mutating func byte() throws -> UInt8 { bytes[try range(1).lowerBound] }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws -> T {
        let range = try range(MemoryLayout<T>.size)
        return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self)) }
    }

    /// An unsigned integer that must fit a count.
    mutating func count<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type) throws -> Int {
        let value: T = try integer()
        guard let count = Int(exactly: value) else {
            throw FileError.malformed(file: file, fact: "a length of \(value)")
        }
        return count
    }

    /// The line that starts here, without its line feed.
    mutating func line() throws -> Range<Int> {
        guard let stop = bytes[position..<end].firstIndex(of: UInt8(ascii: "\n")) else {
            throw FileError.malformed(file: file, fact: "a line at \(position) does not end")
        }
        defer { position = stop + 1 }
        return position..<stop
    }
}

extension [UInt8] {
    /// Adds an integer's bytes, lowest first.
    mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
