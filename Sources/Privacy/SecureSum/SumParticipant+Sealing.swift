import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An update under masks, as it travels.
extension SumParticipant {
    /// Whether the update of a task could be sealed; asked before the training.
    func admit(_ task: TrainTask) throws {
        let (keys, group, own, held): (Keys, SumGroup, [[TensorDescription]], [String: HeldShares])
        switch state {
        case .ready(let a, let b, let c, let d), .training(let a, let b, let c, let d, _):
            (keys, group, own, held) = (a, b, c, d)
        default: throw noKeys(task.round)
        }
        guard round == task.round else { throw noKeys(task.round) }
        guard task.session == group.binding, task.content == group.roster.content else {
            throw PrivacyError.forged(
                "The task of round \(task.round) is for another secure sum than \(site) agreed upon. Nothing was trained."
            )
        }
        var statement = try TrainingStatement(of: task, at: site, own: own)
        statement.signature = try signer.sign(statement.signedBytes(of: group.binding))
        state = .training(keys, group, own: own, held, statement)
    }

    private func noKeys(_ round: Int) -> PrivacyError {
        .refused("\(site) has no keys for a secure sum in round \(round): the site sits this round out.")
    }

    /// Seals an update, one for every sum: a second under the same masks would tell their difference.
    func seal(_ update: ModelUpdate, round: Int) throws -> ModelUpdate {
        guard case .training(let keys, let group, let own, let held, let statement) = state, self.round == round else {
            throw noKeys(round)
        }
        guard update.content == group.roster.content else {
            throw PrivacyError.refused(
                "A secure sum of \(group.roster.content.rawValue) got \(update.content.rawValue).")
        }
        let descriptions = update.tensors.descriptions
        guard descriptions.count == own.reduce(0, { $0 + $1.count }), Set(descriptions) == Set(own.joined()) else {
            throw PrivacyError.refused(
                "The update has other tensors, shapes or types than those that are summed. A filter before the sum may have changed them: leave it out."
            )
        }
        try weighting.requireWeight(group.roster.weights[site] ?? .nan, of: site, examples: update.examples)
        let format = SealedFormat(settings.form)
        var sealed = Weights(try format.head(group.binding, statement))
        for (index, circle) in group.roster.circles.enumerated() where circle.members.contains(site) {
            let values = try words(
                of: update.tensors, own[index], count: circle.count, share: group.weight(of: [site], in: circle), group)
            for tensor in try format.seal(
                values, circle: index, group,
                mask: { words in
                    try Self.mask(words, of: self.site, keys, group, circle: index)
                })
            { sealed.set(tensor) }
        }
        state = .sealed(group, held, statement)
        var result = update
        result.tensors = sealed
        if !settings.sendsMetrics { result.metrics = [:] }
        return result
    }

    /// Adds the own mask and those with neighbours: added by the one of a pair, taken away by the other.
    private static func mask(
        _ words: UnsafeMutableBufferPointer<UInt32>, of site: String, _ keys: Keys, _ group: SumGroup, circle: Int
    ) throws {
        Mask.apply(Mask.key(ofSeed: keys.seed, group, circle: circle), adding: true, to: words)
        let members = group.roster.circles[circle].members
        for other in group.graph.neighbours[site] ?? [] where members.contains(other) {
            let key = try Mask.key(keys.mask, of: site, with: other, group, circle: circle)
            Mask.apply(key, adding: site < other, to: words)
        }
    }

    /// A circle's values, one tensor after the other, as integers modulo 2³².
    private func words(
        of tensors: any TensorSource, _ wanted: [TensorDescription], count: Int, share: Double, _ group: SumGroup
    ) throws -> TensorStorage {
        let floats = group.fixedPoint(range: settings.clippingRange)
        let integers = group.fixedPoint(range: FixedPoint.rangeOfIntegers)
        let places = Dictionary(
            tensors.descriptions.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
        let piece = 1 << 14
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: piece * 8, alignment: 64)
        defer { scratch.deallocate() }
        var cut = 0
        let storage = try TensorStorage(byteCount: count * 4) { buffer in
            let words = buffer.bindMemory(to: UInt32.self)
            guard var target = words.baseAddress else { return }
            for tensor in wanted {
                guard let place = places[tensor.name] else { continue }
                let isFloat32 = tensor.type == .float32
                let source: any TensorSource =
                    isFloat32 ? tensors : ConvertedTensors(tensors, from: tensor.type, to: .float64)
                let point = tensor.type.isFloatingPoint ? floats : integers
                let width = isFloat32 ? 4 : 8
                for first in stride(from: 0, to: tensor.count, by: piece) {
                    let part = first..<min(first + piece, tensor.count)
                    let found = try source.withBytes(
                        of: place, in: part.lowerBound * width..<part.upperBound * width, scratch: scratch
                    ) { bytes in
                        isFloat32
                            ? point.encode(bytes.assumingMemoryBound(to: Float.self), weight: share, into: target)
                            : point.encode(bytes.assumingMemoryBound(to: Double.self), weight: share, into: target)
                    }
                    guard let found else {
                        throw PrivacyError.refused("\(tensor.name) holds NaN or infinite values, which no sum may get.")
                    }
                    guard found == 0 || tensor.type.isFloatingPoint else {
                        throw PrivacyError.refused("\(tensor.name) counts beyond ±\(Int(point.range)): keep it local.")
                    }
                    cut += found
                    target += part.count
                }
            }
        }
        guard Double(cut) <= settings.mostClipped * Double(count) else {
            throw PrivacyError.refused(
                "\(cut) of \(count) values lie beyond ±\(settings.clippingRange), where a secure sum cuts them off. Set a wider clipping_range, send differences, or allow some in most_clipped."
            )
        }
        return storage
    }
}
