/// NumPy's legacy generator (`numpy.random.RandomState`): Mersenne Twister 19937 (Matsumoto and Nishimura 1998, doi
/// 10.1145/272991.272995) with NumPy's own way of drawing integers, so that splits and class locations equal nnU-Net's.
public struct LegacyRandomState: Sendable {
    private var state: [UInt32]
    private var position = 624

    public init(seed: UInt32) {
        state = [seed]
        state.reserveCapacity(624)
        for index in 1..<624 {
            let last = state[index - 1]
            state.append(1_812_433_253 &* (last ^ last >> 30) &+ UInt32(index))
        }
    }

    private mutating func twist() {
        for i in 0..<624 {
            let y = state[i] & 0x8000_0000 | state[(i + 1) % 624] & 0x7fff_ffff
            state[i] = state[(i + 397) % 624] ^ y >> 1 ^ (y & 1 == 0 ? 0 : 0x9908_b0df)
        }
        position = 0
    }

    public mutating func next32() -> UInt32 {
        if position == 624 { twist() }
        var y = state[position]
        position += 1
        y ^= y >> 11
        y ^= y << 7 & 0x9d2c_5680
        y ^= y << 15 & 0xefc6_0000
        return y ^ y >> 18
    }

    /// A whole number from 0 to `limit`, both included, by rejection under a mask.
    public mutating func interval(_ limit: UInt64) -> UInt64 {
        if limit == 0 { return 0 }
        let mask = UInt64.max >> limit.leadingZeroBitCount
        if limit <= UInt64(UInt32.max) {
            while true {
                let value = UInt64(next32()) & mask
                if value <= limit { return value }
            }
        }
        while true {
            let high = UInt64(next32()) << 32
            let value = (high | UInt64(next32())) & mask
            if value <= limit { return value }
        }
    }

    /// `shuffle` of a list.
    public mutating func shuffle<Item>(_ items: inout [Item]) {
        for i in stride(from: items.count - 1, to: 0, by: -1) {
            items.swapAt(i, Int(interval(UInt64(i))))
        }
    }

    /// `permutation(count)`.
    public mutating func permutation(_ count: Int) -> [Int] {
        var indices = Array(0..<count)
        shuffle(&indices)
        return indices
    }

    /// `choice(population, count, replace=False)`.
    public mutating func sample(_ count: Int, of population: Int) -> [Int] { Array(permutation(population).prefix(count)) }

    /// `choice(population, count, replace=True)`, which is `randint(0, population, count)`.
    public mutating func draws(_ count: Int, of population: Int) -> [Int] {
        (0..<count).map { _ in Int(interval(UInt64(population - 1))) }
    }
}
