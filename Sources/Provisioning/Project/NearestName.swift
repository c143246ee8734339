/// The name that a misspelt one most likely stands for; nil where none is near.
func nearest(to name: String, in known: [String]) -> String? {
    let spelt = Array(name.lowercased().replacing("-", with: "_"))
    let distances = known.map { ($0, editDistance(spelt, Array($0.lowercased()))) }
    guard let best = distances.min(by: { $0.1 < $1.1 }), best.1 <= max(1, max(spelt.count, best.0.count) / 3) else {
        return nil
    }
    return best.0
}

/// Letters to insert, remove, replace or swap with their neighbour; Damerau 1964, no part edited twice.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
            row.append(cost)
        }
        (before, last) = (last, row)
    }
    return last[b.count]
}
