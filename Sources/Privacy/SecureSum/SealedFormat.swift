import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a sealed update is written as tensors: a tag of its sum, and for every circle its values under masks.
struct SealedFormat: Sendable {
    let form: SecureSumSettings.Form

    init(_ form: SecureSumSettings.Form) { self.form = form }

    private static let tagName = "sum"
    private static func valuesName(_ circle: Int) -> String { "sealed.\(circle)" }

    func tag(_ binding: Data) -> Weights.Tensor {
        Weights.Tensor(
            TensorDescription(name: Self.tagName, shape: [binding.count], type: .uint8),
            storage: TensorStorage(byteCount: binding.count) { binding.copyBytes(to: $0) })
    }

    /// What a site's update must hold, besides the right values.
    func descriptions(of site: String, _ group: SumGroup) -> [TensorDescription] {
        [TensorDescription(name: Self.tagName, shape: [group.binding.count], type: .uint8)]
            + group.roster.circles.enumerated().filter { $1.members.contains(site) }.flatMap { index, circle in
                switch form {
                case .masks: [TensorDescription(name: Self.valuesName(index), shape: [circle.count], type: .int32)]
                }
            }
    }

    /// - Throws: `PrivacyError.forged` where the update is of another sum, or looks otherwise than one of this.
    func check(_ update: ModelUpdate, from site: String, _ group: SumGroup) throws {
        let found = update.tensors.descriptions
        guard found == descriptions(of: site, group), update.content == group.roster.content else {
            throw PrivacyError.forged("The sealed update of \(site) has other tensors or shapes than this sum's.")
        }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: found[0].byteCount, alignment: 64)
        defer { scratch.deallocate() }
        let isOfThisSum = try update.tensors.withBytes(of: 0, in: 0..<found[0].byteCount, scratch: scratch) {
            $0.elementsEqual(group.binding)
        }
        guard isOfThisSum else { throw PrivacyError.forged("The update of \(site) was sealed for another sum.") }
    }

    /// A circle's values under masks.
    ///
    /// - Parameters:
    ///   - values: integers modulo 2³², which become the masked ones.
    ///   - mask: adds a site's masks to words.
    func seal(
        _ values: TensorStorage, circle: Int, _ group: SumGroup,
        mask: (UnsafeMutableBufferPointer<UInt32>) throws -> Void
    ) throws -> [Weights.Tensor] {
        switch form {
        case .masks:
            let masked = try TensorStorage(byteCount: values.bytes.count) { buffer in
                buffer.copyMemory(from: values.bytes)
                try mask(buffer.bindMemory(to: UInt32.self))
            }
            return [
                Weights.Tensor(
                    TensorDescription(
                        name: Self.valuesName(circle), shape: [values.bytes.count / 4], type: .int32), storage: masked)
            ]
        }
    }

    /// The sum of a circle's sealed values over some updates, modulo 2³².
    ///
    /// - Parameter unmask: takes the masks that are left off words.
    func sum(
        _ updates: [(site: String, tensors: any TensorSource)], circle: Int, _ group: SumGroup,
        unmask: (UnsafeMutableBufferPointer<UInt32>) throws -> Void
    ) throws -> [UInt32] {
        switch form {
        case .masks:
            var sum = try Self.wordSum(
                updates, name: Self.valuesName(circle), count: group.roster.circles[circle].count)
            try sum.withUnsafeMutableBufferPointer { try unmask($0) }
            return sum
        }
    }

    /// Adds up the int32 tensors of a name, piece by piece.
    private static func wordSum(
        _ updates: [(site: String, tensors: any TensorSource)], name: String, count: Int
    ) throws -> [UInt32] {
        let piece = 1 << 14
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: piece * 4, alignment: 64)
        defer { scratch.deallocate() }
        var sum = [UInt32](repeating: 0, count: count)
        for update in updates {
            guard let place = update.tensors.descriptions.firstIndex(where: { $0.name == name }) else { continue }
            for first in stride(from: 0, to: count, by: piece) {
                let part = first..<min(first + piece, count)
                try update.tensors.withBytes(of: place, in: part.lowerBound * 4..<part.upperBound * 4, scratch: scratch)
                { bytes in
                    guard let words = bytes.assumingMemoryBound(to: UInt32.self).baseAddress else { return }
                    sum.withUnsafeMutableBufferPointer { sum in
                        guard let target = sum.baseAddress.map({ $0 + part.lowerBound }) else { return }
                        for i in 0..<part.count { target[i] &+= words[i] }
                    }
                }
            }
        }
        return sum
    }
}
