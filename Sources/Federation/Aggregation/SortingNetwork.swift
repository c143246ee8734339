/// Batcher's odd-even merge sort for a fixed number of values: the same comparisons whatever they are, so that many
/// columns are sorted side by side in vectors. Batcher 1968.
struct SortingNetwork: Sendable {
    private let comparisons: [(Int, Int)]

    init(_ count: Int) {
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
        comparisons = pairs
    }

    /// Sorts every column of `rows` ascending; rows are `stride` values apart.
    func sort(_ rows: UnsafeMutablePointer<Float>, stride: Int, columns: Int) {
        // Some columns at a time stay in the nearest cache through all comparisons.
        let block = 256
        var first = 0
        while first < columns {
            let count = min(block, columns - first)
            for (a, b) in comparisons {
                let (low, high) = (rows + a * stride + first, rows + b * stride + first)
                for i in 0..<count {
                    let (x, y) = (low[i], high[i])
                    let swaps = y < x
                    low[i] = swaps ? y : x
                    high[i] = swaps ? x : y
                }
            }
            first += count
        }
    }
}
