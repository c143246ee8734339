import Imaging

extension ClassLocations {
    /// Voxels of each class that training's forced foreground draws from, as nnU-Net 2.8 samples them: at most 10,000 of a
    /// class, but at least a hundredth, without repetition, by one generator for all classes in turn.
    ///
    /// - Parameter labels: shape (1, axes of the plan…).
    static func sample(_ labels: Volume<Int16>, manager: LabelManager) -> [ClassLocations] {
        var classes = manager.foregroundClasses.map {
            ClassLocations(labels: $0.labels, isRegion: $0.isRegion, coordinates: [])
        }
        if manager.ignoreLabel != nil {
            classes.append(ClassLocations(labels: [-1] + manager.allLabels, isRegion: true, coordinates: []))
        }
        // Offsets of every wanted label, in C order.
        let wanted = Set(classes.flatMap(\.labels).map { Int16($0) })
        var offsets: [Int16: [Int32]] = [:]
        for label in wanted { offsets[label] = [] }
        let lowest = Int(wanted.min() ?? 0)
        var table = [[Int32]](repeating: [], count: Int(wanted.max() ?? 0) - lowest + 1)
        var isWanted = [Bool](repeating: false, count: table.count)
        for label in wanted { isWanted[Int(label) - lowest] = true }
        labels.elements.withUnsafeBufferPointer { values in
            for i in values.indices {
                let slot = Int(values[i]) - lowest
                if slot >= 0, slot < isWanted.count, isWanted[slot] { table[slot].append(Int32(i)) }
            }
        }
        var random = LegacyRandomState(seed: 1234)
        let shape = labels.shape.suffix(3).map { Int32($0) }
        let plane = shape[shape.startIndex + 1] * shape[shape.startIndex + 2]
        let width = shape[shape.startIndex + 2]
        for index in classes.indices {
            let blocks = classes[index].labels.map { table[$0 - lowest] }
            let total = blocks.reduce(0) { $0 + $1.count }
            guard total > 0 else { continue }
            let count = max(min(10_000, total), Int((0.01 * Double(total)).rounded(.up)))
            let joined = blocks.count == 1 ? blocks[0] : Array(blocks.joined())
            var coordinates: [Int32] = []
            coordinates.reserveCapacity(4 * count)
            for pick in random.sample(count, of: total) {
                let offset = joined[pick]
                coordinates += [0, offset / plane, offset % plane / width, offset % width]
            }
            classes[index].coordinates = coordinates
        }
        return classes
    }
}
