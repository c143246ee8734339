import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a sealed update is written as tensors: a tag of its sum, what the site trained on, and for every circle its values
/// under masks.
struct SealedFormat: Sendable {
    let form: SecureSumSettings.Form

    init(_ form: SecureSumSettings.Form) { self.form = form }

    private static let tagName = "sum"
    private static let statementName = "training"
    private static let longestStatement = 1 << 20
    private static func valuesName(_ circle: Int) -> String { "sealed.\(circle)" }
    private static func secretName(_ circle: Int) -> String { "secret.\(circle)" }

    /// What stands before the values.
    func head(_ binding: Data, _ statement: TrainingStatement) throws -> [Weights.Tensor] {
        [(Self.tagName, binding), (Self.statementName, try Data(message: statement))].map { name, data in
            Weights.Tensor(
                TensorDescription(name: name, shape: [data.count], type: .uint8),
                storage: TensorStorage(byteCount: data.count) { data.copyBytes(to: $0) })
        }
    }

    /// What a site's update must hold, besides the right values.
    ///
    /// - Parameter length: of the statement.
    private func descriptions(of site: String, _ group: SumGroup, statement length: Int) -> [TensorDescription] {
        [
            TensorDescription(name: Self.tagName, shape: [group.binding.count], type: .uint8),
            TensorDescription(name: Self.statementName, shape: [length], type: .uint8),
        ]
            + group.roster.circles.enumerated().filter { $1.members.contains(site) }.flatMap { index, circle in
                tensors(of: index, count: circle.count)
            }
    }

    private func tensors(of circle: Int, count: Int) -> [TensorDescription] {
        let (values, secret) = (Self.valuesName(circle), Self.secretName(circle))
        return switch form {
        case .masks: [TensorDescription(name: values, shape: [count], type: .int32)]
        case .lattice:
            [
                TensorDescription(name: values, shape: [LatticeMask.byteCount(of: count)], type: .uint8),
                TensorDescription(name: secret, shape: [LatticeMask.degree], type: .int32),
            ]
        }
    }

    /// - Returns: what the site says that it trained on.
    /// - Throws: `PrivacyError.forged` where the update is of another sum, or looks otherwise than one of this.
    func check(
        _ update: ModelUpdate, from site: String, _ group: SumGroup, _ verifier: any SiteVerifier
    ) throws -> TrainingStatement {
        let found = update.tensors.descriptions
        guard found.count > 1, found[1].isPossible, found[1].count <= Self.longestStatement,
            found == descriptions(of: site, group, statement: found[1].count), update.content == group.roster.content
        else {
            throw PrivacyError.forged("The sealed update of \(site) has other tensors or shapes than this sum's.")
        }
        func bytes(_ index: Int) throws -> Data {
            let count = found[index].byteCount
            let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
            defer { scratch.deallocate() }
            return try update.tensors.withBytes(of: index, in: 0..<count, scratch: scratch) { Data($0) }
        }
        guard try bytes(0) == group.binding else {
            throw PrivacyError.forged("The update of \(site) was sealed for another sum.")
        }
        let statement = try bytes(1).message(TrainingStatement.self, from: site)
        guard statement.site == site, group.isValid(statement, verifier) else {
            throw PrivacyError.forged("What \(site) says of its training in a secure sum is not signed by it.")
        }
        return statement
    }

    /// A circle's values, sealed.
    ///
    /// - Parameters:
    ///   - values: integers modulo 2³².
    ///   - mask: adds a site's masks to words.
    func seal(
        _ values: TensorStorage, circle: Int, _ group: SumGroup,
        mask: (UnsafeMutableBufferPointer<UInt32>) throws -> Void
    ) throws -> [Weights.Tensor] {
        let tensors = tensors(of: circle, count: values.bytes.count / 4)
        func masked(_ description: TensorDescription, _ words: UnsafeRawBufferPointer) throws -> Weights.Tensor {
            let storage = try TensorStorage(byteCount: words.count) { buffer in
                buffer.copyMemory(from: words)
                try mask(buffer.bindMemory(to: UInt32.self))
            }
            return Weights.Tensor(description, storage: storage)
        }
        switch form {
        case .masks: return [try withExtendedLifetime(values) { try masked(tensors[0], values.bytes) }]
        case .lattice:
            var stream = KeyStream()
            let secret = LatticeMask.secret(from: &stream)
            let lattice = try LatticeMask(group.binding, circle: circle)
            let sealed = TensorStorage(byteCount: tensors[0].byteCount) { buffer in
                withExtendedLifetime(values) {
                    lattice.seal(
                        values.bytes.assumingMemoryBound(to: UInt32.self), under: secret, from: &stream, into: buffer)
                }
            }
            let words = secret.map { UInt32(truncatingIfNeeded: $0) }
            return [
                Weights.Tensor(tensors[0], storage: sealed), try words.withUnsafeBytes { try masked(tensors[1], $0) },
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
        let count = group.roster.circles[circle].count
        func opened(_ name: String, count: Int) throws -> [UInt32] {
            var sum = try Self.wordSum(updates, name: name, count: count)
            try sum.withUnsafeMutableBufferPointer { try unmask($0) }
            return sum
        }
        switch form {
        case .masks: return try opened(Self.valuesName(circle), count: count)
        case .lattice:
            let secret = try opened(Self.secretName(circle), count: LatticeMask.degree)
            return try Self.latticeSum(
                updates, name: Self.valuesName(circle), count: count, LatticeMask(group.binding, circle: circle),
                under: secret.map { Int64(Int32(bitPattern: $0)) })
        }
    }

    /// Adds up the packed tensors of a name, polynomial by polynomial, and opens the sum.
    private static func latticeSum(
        _ updates: [(site: String, tensors: any TensorSource)], name: String, count: Int, _ lattice: LatticeMask,
        under secret: [Int64]
    ) throws -> [UInt32] {
        let places = updates.map { update in update.tensors.descriptions.firstIndex { $0.name == name } }
        let scratch = UnsafeMutableRawBufferPointer.allocate(
            byteCount: LatticeMask.byteCount(of: LatticeMask.degree), alignment: 64)
        defer { scratch.deallocate() }
        var numbers = [UInt64](repeating: 0, count: LatticeMask.degree)
        let q = lattice.modulus
        return try lattice.open(under: secret, count: count) { part, sums in
            let first = LatticeMask.byteCount(of: part.lowerBound)
            let range = first..<first + LatticeMask.byteCount(of: part.count)
            for (update, place) in zip(updates, places) {
                guard let place else { continue }
                try update.tensors.withBytes(of: place, in: range, scratch: scratch) { bytes in
                    numbers.withUnsafeMutableBufferPointer { numbers in
                        guard let source = bytes.baseAddress, let target = numbers.baseAddress else { return }
                        BitPacking.unpack(source, count: part.count, bits: LatticeMask.bits, into: target)
                        // Of 54 bits, and so below 2q: one step makes residues of what is none.
                        for i in 0..<part.count { sums[i] = q.add(sums[i], min(target[i], target[i] &- q.value)) }
                    }
                }
            }
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
