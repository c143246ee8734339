/// Batcher's odd-even merge sort for a fixed number of values: the same comparisons whatever they are, so that many
/// columns are sorted side by side in vectors. Batcher 1968.
struct SortingNetwork: Sendable {
    private let comparisons: [(Int, Int)]

    /// - Parameter kept: the places whose values are needed; the others may hold anything afterwards.
    init(_ count: Int, keeping kept: Range<Int>) {
        var pairs: [(Int, Int)] = []
        var p = 1
        while p < count {
            var k = p
            while k >= 1 {
                for j in stride(from: k % p, to: max(k % p, count - k), by: 2 * k) {
                    for i in 0..<min(k, count - j - k) where (i + j) / (2 * p) == (i + j + k) / (2 * p) {
                        pairs.append((i + j, i + j + k))
                    }
                }
                k /= 2
            }
            p *= 2
        }
        var needed = Set(kept)
        comparisons = pairs.reversed().filter { low, high in
            guard needed.contains(low) || needed.contains(high) else { return false }
            needed.formUnion([low, high])
            return true
        }.reversed()
    }

    /// Sorts every column of `rows` ascending; rows are `stride` values apart, a multiple of 16, and aligned to 64 bytes.
    /// What follows the last column is sorted too, up to the next multiple of 16.
    func sort(_ rows: UnsafeMutablePointer<Float>, stride: Int, columns: Int) {
        typealias Vector = SIMD16<Float>
        // Some columns at a time stay in the nearest cache through all comparisons.
        let block = 64
        let rows = UnsafeMutableRawPointer(rows)
        for first in Swift.stride(from: 0, to: columns, by: block) {
            let end = min(first + block, columns) * 4
            for (a, b) in comparisons {
                let (low, high) = (rows + a * stride * 4, rows + b * stride * 4)
                var i = first * 4
                while i < end {
                    let x = low.load(fromByteOffset: i, as: Vector.self)
                    let y = high.load(fromByteOffset: i, as: Vector.self)
                    let swaps = y .< x
                    low.storeBytes(of: x.replacing(with: y, where: swaps), toByteOffset: i, as: Vector.self)
                    high.storeBytes(of: y.replacing(with: x, where: swaps), toByteOffset: i, as: Vector.self)
                    i &+= MemoryLayout<Vector>.stride
                }
            }
        }
    }
}
