import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sends float32 tensors as integers of 16 or 8 bits with a scale for each tensor, and adds what rounding took away to the next
/// round's update.
///
/// Values are rounded to the nearest step. Stochastic rounding is right on average but has twice the squared error, and would
/// make other bytes of the same update when a round comes again; what nearest rounding leaves out is fed back instead, so that
/// it does not add up over rounds either. The values of a sparse update are fed back at their own places. Tensors without a
/// dimension, or of other types, are sent as they are. It saves bytes and promises no privacy.
public struct Quantise: FeedsBack {
    public let name = Self.filterName
    public let settings: Settings
    public let folder: URL?
    public var feedsBack: Bool { settings.feedsBack }

    static let filterName = "quantise"

    public struct Settings: Sendable, Equatable {
        public enum Width: Int, Sendable, CaseIterable, Codable { case eight = 8, sixteen = 16 }

        public var width = Width.sixteen
        /// Whether what rounding took away is added to the next round's update.
        public var feedsBack = true

        public init() {}
    }

    /// - Parameter folder: at a site, where it keeps what it rounded away: a folder of this run alone. A server needs none.
    public init(_ settings: Settings = Settings(), folder: URL? = nil) {
        self.settings = settings
        self.folder = folder
    }

    // MARK: At the site

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try update.requireNoParts(of: name)
        var flat = try FlatUpdate(update, for: name, isStrict: false)
        let sparseName = partName("values", of: TopK.filterName)
        let isSparse = update.tensors.descriptions.contains { $0.name == sparseName }
        if isSparse, !flat.tensors.contains(where: { $0.name == sparseName }) {
            throw PrivacyError.refused(
                "The filter top-k sends values of 16 bits already. Let it send float32, or leave the filter \(name) out."
            )
        }
        let feedback = try feedback(of: context.site)
        let left = try feedback?.left(before: context.round)
        let sparse = try feedback != nil && isSparse ? SparseRest(update, left) : nil
        if var left {
            if let sparse { left.set(sparse.ofValues) }
            try flat.add(left)
        }
        let width = settings.width.rawValue / 8
        var scales: [Float] = []
        var start = 0
        let bytes = TensorStorage(byteCount: flat.values.count * width) { buffer in
            for tensor in flat.tensors {
                let range = start..<start + tensor.count
                start = range.upperBound
                scales.append(settings.width.quantise(&flat.values, range, into: buffer))
            }
        }
        if let feedback {
            var rest = flat.denseWeights
            if let sparse { rest.set(sparse.scattered(rest[sparseName]!)) }
            try feedback.keep(rest, round: context.round)
        }
        let layout = TensorLayout(flat.tensors, QuantisedTensors.Facts(bits: settings.width, scales: scales))
        var tensors = flat.others
        tensors.set(
            Weights.Tensor(
                TensorDescription(
                    name: partName("values", of: name), shape: [flat.values.count * width], type: .uint8),
                storage: bytes))
        tensors.set(try layout.tensor(partName("layout", of: name)))
        var update = update
        update.tensors = tensors
        return update
    }

    // MARK: At the server

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        var update = update
        update.tensors = try QuantisedTensors(update.tensors)
        return update
    }
}

extension Quantise.Settings.Width {
    /// The largest code; the smallest is its negative.
    var largest: Float {
        switch self {
        case .eight: 127
        case .sixteen: 32767
        }
    }

    /// Rounds some of the values, whose rest takes their place.
    ///
    /// - Returns: the scale.
    fileprivate func quantise(
        _ values: inout [Float], _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
    ) -> Float {
        var extreme: Float = 0
        for index in range { extreme = max(extreme, values[index].magnitude) }
        // A scale below the smallest normal number would make codes beyond the largest.
        let scale = max(extreme / largest, Float.leastNormalMagnitude)
        let largest = largest
        values.withUnsafeMutableBufferPointer { values in
            switch self {
            case .eight:
                let codes = buffer.assumingMemoryBound(to: Int8.self)
                for index in range {
                    let code = min(max((values[index] / scale).rounded(.toNearestOrEven), -largest), largest)
                    codes[index] = Int8(code)
                    values[index] -= code * scale
                }
            case .sixteen:
                let codes = buffer.assumingMemoryBound(to: Int16.self)
                for index in range {
                    let code = min(max((values[index] / scale).rounded(.toNearestOrEven), -largest), largest)
                    codes[index] = Int16(code).littleEndian
                    values[index] -= code * scale
                }
            }
        }
        return scale
    }
}

/// What rounding left of a sparse update's values: kept at the places that they stand for, since every round sends others.
private struct SparseRest {
    private let places: [Int]
    private var dense: [Float]
    private let name = partName("values", of: TopK.filterName)

    init(_ update: ModelUpdate, _ left: Weights?) throws {
        let sparse = try SparseTensors(update.tensors)
        places = sparse.places.places(in: 0..<sparse.places.total).places
        dense = left?[name]?.floats ?? []
        // Another layout has other places.
        if dense.count != sparse.places.total { dense = [Float](repeating: 0, count: sparse.places.total) }
    }

    /// What is left for this round's values.
    var ofValues: Weights.Tensor { Weights.Tensor(name, places.map { dense[$0] }, shape: [places.count]) }

    /// With this round's rest in place of what was left before.
    func scattered(_ rest: Weights.Tensor) -> Weights.Tensor {
        var dense = dense
        let values = rest.bytes.assumingMemoryBound(to: Float.self)
        for (rank, place) in places.enumerated() { dense[place] = values[rank] }
        return Weights.Tensor(name, dense, shape: [dense.count])
    }
}
