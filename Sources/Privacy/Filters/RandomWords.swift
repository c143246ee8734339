/// Words of a key stream, some thousand at a time.
struct RandomWords {
    private var stream: KeyStream
    private var words: [UInt64]
    private var position: Int

    private static let batch = 1 << 12

    init(_ stream: KeyStream) {
        self.stream = stream
        words = [UInt64](repeating: 0, count: Self.batch)
        position = Self.batch
    }

    mutating func next() -> UInt64 {
        if position == Self.batch {
            words.withUnsafeMutableBytes { stream.fill($0) }
            position = 0
        }
        defer { position += 1 }
        return UInt64(littleEndian: words[position])
    }

    /// A number below `count`, each as likely but for a part in 2⁶⁴ / count.
    mutating func next(below count: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(count)).high) }
}
