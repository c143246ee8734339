import Imaging

/// Scores segmentations against references.
public struct Evaluator: Sendable {
    public var classes: [EvaluationClass]
    /// Voxels of the reference with this label are left out of everything.
    public var ignoreLabel: Int?
    /// Millimetres within which surfaces agree; none leaves HD95 and NSD out.
    public var surfaceTolerance: Double?
    public var threads: Int

    public init(
        classes: [EvaluationClass], ignoreLabel: Int? = nil, surfaceTolerance: Double? = 1,
        threads: Int = defaultThreads
    ) {
        self.classes = classes
        self.ignoreLabel = ignoreLabel
        self.surfaceTolerance = surfaceTolerance
        self.threads = threads
    }

    /// The metrics of one case, one per class.
    /// - Parameters:
    ///   - reference: labels, shape (1, z, y, x) or (z, y, x).
    ///   - prediction: of the same shape.
    ///   - spacing: of the reference, along (z, y, x).
    ///   - name: of the case, in errors.
    /// - Throws: `NNUNetError.badCase` where shapes differ.
    public func metrics(
        reference: Volume<Float>, prediction: Volume<Float>, spacing: [Double], name: String, threads: Int = 1
    ) throws -> [SegmentationMetrics] {
        guard reference.shape == prediction.shape, reference.count > 0, reference.rank == 3 || reference.rank == 4,
            reference.rank == 3 || reference.shape[0] == 1
        else {
            throw NNUNetError.badCase(
                name,
                reason: "the prediction has a shape of \(prediction.shape), the reference of \(reference.shape). "
                    + "Predict it again from the image that belongs to the reference")
        }
        let groups = LabelGroups(classes: classes, ignoreLabel: ignoreLabel)
        let shape = Array(reference.shape.suffix(3))
        let tally = LabelTally(
            reference: reference.elements, prediction: prediction.elements, shape: shape, groups: groups)
        return classes.indices.map { index in
            var metrics = tally.metrics(of: groups.membership[index])
            guard let surfaceTolerance else { return metrics }
            let distances = tally.surfaceDistances(of: groups.membership[index], spacing: spacing, threads: threads)
            metrics.hausdorff95 = distances?.hausdorff(percentile: 95) ?? .nan
            metrics.surfaceDice = distances?.surfaceDice(tolerance: surfaceTolerance) ?? .nan
            return metrics
        }
    }
}

/// The labels that matter as small consecutive numbers: 0 for every other value, 1 … for labels of classes, and last the
/// voxels that are ignored.
struct LabelGroups {
    /// The number of every label from 0 to 65535.
    let numbers: [UInt16]
    let count: Int
    /// By class: which numbers are in it.
    let membership: [[Bool]]
    let ignored: UInt16
    let ignoreLabel: Float?

    init(classes: [EvaluationClass], ignoreLabel: Int?) {
        var numbers = [UInt16](repeating: 0, count: 65536)
        var next: UInt16 = 1
        for label in classes.flatMap(\.labels) where numbers.indices.contains(label) && numbers[label] == 0 {
            numbers[label] = next
            next += 1
        }
        ignored = next
        count = Int(next) + 1
        let total = count
        membership = classes.map { item in
            var members = [Bool](repeating: false, count: total)
            for label in item.labels where numbers.indices.contains(label) { members[Int(numbers[label])] = true }
            return members
        }
        self.numbers = numbers
        self.ignoreLabel = ignoreLabel.map(Float.init)
    }
}

/// How often each pair of reference and predicted label occurs in a case, and where.
private struct LabelTally {
    private let groups: LabelGroups
    private let shape: [Int]
    private let reference: [UInt16]
    private let prediction: [UInt16]
    /// Row: the reference's number; column: the prediction's.
    private let pairs: [Int]
    /// By number, where it occurs in either image: lowest and highest z, y, x.
    private let boxes: [[Int]]

    init(reference: [Float], prediction: [Float], shape: [Int], groups: LabelGroups) {
        self.groups = groups
        self.shape = shape
        let voxels = reference.count
        var first = Self.numbers(reference, groups)
        var second = Self.numbers(prediction, groups)
        let count = groups.count
        var pairs = [Int](repeating: 0, count: count * count)
        var boxes = Array(repeating: [Int.max, -1, Int.max, -1, Int.max, -1], count: count)
        if let ignoreLabel = groups.ignoreLabel {
            for index in 0..<voxels where reference[index] == ignoreLabel {
                first[index] = groups.ignored
                second[index] = groups.ignored
            }
        }
        first.withUnsafeBufferPointer { reference in
            second.withUnsafeBufferPointer { prediction in
                var index = 0
                var isInRow = [Bool](repeating: false, count: count)
                for z in 0..<shape[0] {
                    for y in 0..<shape[1] {
                        for number in 0..<count { isInRow[number] = false }
                        for x in 0..<shape[2] {
                            let a = Int(reference[index])
                            let b = Int(prediction[index])
                            index += 1
                            pairs[a * count + b] += 1
                            if a | b == 0 { continue }
                            isInRow[a] = true
                            isInRow[b] = true
                            if x < boxes[a][4] { boxes[a][4] = x }
                            if x > boxes[a][5] { boxes[a][5] = x }
                            if x < boxes[b][4] { boxes[b][4] = x }
                            if x > boxes[b][5] { boxes[b][5] = x }
                        }
                        for number in 1..<count where isInRow[number] {
                            boxes[number][0] = min(boxes[number][0], z)
                            boxes[number][1] = max(boxes[number][1], z)
                            boxes[number][2] = min(boxes[number][2], y)
                            boxes[number][3] = max(boxes[number][3], y)
                        }
                    }
                }
            }
        }
        self.reference = first
        self.prediction = second
        self.pairs = pairs
        self.boxes = boxes
    }

    private static func numbers(_ labels: [Float], _ groups: LabelGroups) -> [UInt16] {
        [UInt16](unsafeUninitializedCapacity: labels.count) { target, initialized in
            labels.withUnsafeBufferPointer { labels in
                groups.numbers.withUnsafeBufferPointer { numbers in
                    for index in labels.indices {
                        let label = labels[index]
                        // What is no whole number in range matches no label; NaN fails the comparison.
                        if label >= 0 && label < 65536 {
                            let whole = Int(label)
                            target[index] = Float(whole) == label ? numbers[whole] : 0
                        } else {
                            target[index] = 0
                        }
                    }
                }
            }
            initialized = labels.count
        }
    }

    func metrics(of members: [Bool]) -> SegmentationMetrics {
        var counts = [0, 0, 0, 0]
        for a in 0..<groups.count - 1 {
            for b in 0..<groups.count - 1 {
                counts[(members[a] ? 2 : 0) + (members[b] ? 1 : 0)] += pairs[a * groups.count + b]
            }
        }
        return SegmentationMetrics(
            truePositives: counts[3], falsePositives: counts[1], falseNegatives: counts[2], trueNegatives: counts[0])
    }

    /// Distances inside of the box that holds the class in either image; none where it is in neither.
    func surfaceDistances(of members: [Bool], spacing: [Double], threads: Int) -> SurfaceDistances? {
        let present = (0..<groups.count).filter { members[$0] && boxes[$0][1] >= 0 }.map { boxes[$0] }
        guard let first = present.first else { return nil }
        let box = present.dropFirst().reduce(first) { box, other in
            (0..<6).map { $0 % 2 == 0 ? min(box[$0], other[$0]) : max(box[$0], other[$0]) }
        }
        // One slice of a volume stays a volume: contours are for images of one slice.
        var low = box[0]
        var high = box[1]
        if low == high && shape[0] > 1 { if low > 0 { low -= 1 } else { high += 1 } }
        let size = [high - low + 1, box[3] - box[2] + 1, box[5] - box[4] + 1]
        func mask(_ numbers: [UInt16]) -> Volume<Bool> {
            Volume(
                shape: size,
                unsafeUninitialized: { target in
                    numbers.withUnsafeBufferPointer { numbers in
                        var index = 0
                        for z in low...high {
                            for y in box[2]...box[3] {
                                let row = (z * shape[1] + y) * shape[2]
                                for x in box[4]...box[5] {
                                    target[index] = members[Int(numbers[row + x])]
                                    index += 1
                                }
                            }
                        }
                    }
                })
        }
        return SurfaceDistances(
            reference: mask(reference), prediction: mask(prediction), spacing: spacing, threads: threads)
    }
}
