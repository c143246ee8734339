import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sends the largest values of a difference alone, and keeps what it leaves out for later rounds (Stich et al. 2018,
/// arXiv:1809.07599).
///
/// The values compete over all float32 tensors together. A tensor without a dimension, or of another type, is sent as it is. It
/// saves bytes and promises no privacy.
public struct TopK: FeedsBack {
    public let name = Self.filterName
    public let settings: Settings
    public let folder: URL?
    public var feedsBack: Bool { settings.feedsBack }

    static let filterName = "top-k"

    public struct Settings: Sendable, Equatable {
        public enum Values: String, Sendable, CaseIterable, Codable { case float32, float16 }

        /// Share of the values that are sent; above 0, up to 1.
        public var fraction = 0.1
        /// The type in which they are sent. What float16 rounds away is fed back as well.
        public var values = Values.float32
        /// Whether what is left out is added to the next round's update.
        public var feedsBack = true

        public init() {}

        /// - Throws: `PrivacyError.setting`.
        public func validate() throws {
            guard fraction > 0, fraction <= 1 else {
                throw PrivacyError.setting("The filter top-k: fraction must be above 0 and at most 1, not \(fraction).")
            }
        }
    }

    /// - Parameter folder: at a site, where it keeps what it left out: a folder of this run alone. A server needs none.
    /// - Throws: `PrivacyError.setting`.
    public init(_ settings: Settings = Settings(), folder: URL? = nil) throws {
        try settings.validate()
        self.settings = settings
        self.folder = folder
    }

    // MARK: At the site

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try update.requireDifference(name, "would set most of them to 0")
        try update.requireNoParts(of: name)
        var flat = try FlatUpdate(update, for: name, isStrict: false)
        let feedback = try feedback(of: context.site)
        if let left = try feedback?.left(before: context.round) { try flat.add(left) }
        let total = flat.values.count
        let kept = min(total, Int((Double(total) * settings.fraction).rounded(.up)))
        let places = Self.largest(kept, of: flat.values)
        let scale = settings.values == .float16 ? Self.halfScale(places.map { flat.values[$0] }) : 1
        // From here on `flat` is what is left.
        let values = TensorStorage.values(of: places.count, type: settings.values) { rank in
            let place = places[rank]
            let value = flat.values[place]
            switch settings.values {
            case .float32:
                flat.values[place] = 0
                return (value, 0)
            case .float16:
                let half = Float16(value / scale)
                flat.values[place] = value - Float(half) * scale
                return (value, half.bitPattern)
            }
        }
        if let feedback { try feedback.keep(flat.denseWeights, round: context.round) }

        let (code, bytes) = PlaceCode.encode(places, of: total)
        let layout = TensorLayout(flat.tensors, SparseTensors.Facts(places: code, scale: scale))
        var tensors = flat.others
        tensors.set(
            Weights.Tensor(
                TensorDescription(
                    name: partName("values", of: name), shape: [places.count], type: settings.values.scalarType),
                storage: values))
        tensors.set(Weights.Tensor(bytes: bytes, name: partName("places", of: name)))
        tensors.set(try layout.tensor(partName("layout", of: name)))
        var update = update
        update.tensors = tensors
        return update
    }

    /// The places of the largest magnitudes, ascending; of equal ones those that come first.
    static func largest(_ kept: Int, of values: [Float]) -> [Int] {
        guard kept > 0 else { return [] }
        let least = MagnitudeRank.value(values.count - kept, of: values)
        var above = 0
        for value in values where value.magnitude > least { above += 1 }
        var ties = kept - above
        return [Int](unsafeUninitializedCapacity: kept) { places, filled in
            for (place, value) in values.enumerated() where value.magnitude >= least {
                if value.magnitude == least {
                    if ties == 0 { continue }
                    ties -= 1
                }
                places[filled] = place
                filled += 1
            }
        }
    }

    /// A power of two that brings the largest value just below 2¹⁵: float16 has few digits where differences usually lie.
    private static func halfScale(_ values: [Float]) -> Float {
        let largest = values.reduce(0) { max($0, $1.magnitude) }
        guard largest > 0 else { return 1 }
        return Float(sign: .plus, exponent: max(-126, largest.exponent - 14), significand: 1)
    }

    // MARK: At the server

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        guard update.content == .difference else { throw PrivacyError.malformed(name, "it holds whole weights") }
        var update = update
        update.tensors = try SparseTensors(update.tensors)
        return update
    }
}

extension TopK.Settings.Values {
    var scalarType: ScalarType {
        switch self {
        case .float32: .float32
        case .float16: .float16
        }
    }
}

extension TensorStorage {
    fileprivate static func values(
        of count: Int, type: TopK.Settings.Values, _ value: (Int) -> (Float, UInt16)
    ) -> TensorStorage {
        TensorStorage(byteCount: count * type.scalarType.byteCount) { buffer in
            switch type {
            case .float32:
                let floats = buffer.bindMemory(to: Float.self)
                for rank in 0..<count { floats[rank] = value(rank).0 }
            case .float16:
                let halves = buffer.bindMemory(to: UInt16.self)
                for rank in 0..<count { halves[rank] = value(rank).1 }
            }
        }
    }
}

extension FlatUpdate {
    /// The float32 tensors alone.
    var denseWeights: Weights { weights(values).keeping { name in others[name] == nil } }

    /// Adds what an earlier round left of tensors of the same name and shape.
    mutating func add(_ left: Weights) throws {
        var start = 0
        for description in tensors {
            let range = start..<start + description.count
            start = range.upperBound
            guard let tensor = left[description.name], tensor.description == description else { continue }
            let old = tensor.bytes.assumingMemoryBound(to: Float.self)
            for index in old.indices { values[range.lowerBound + index] += old[index] }
        }
        guard values.allSatisfy(\.isFinite) else {
            throw PrivacyError.refused(
                "With what earlier rounds left, the update holds infinite values. Train with a lower learning rate.")
        }
    }
}
