import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a filter that changes an update's form sends beside the values, for its other half: names and shapes, as JSON in a
/// tensor of bytes.
///
/// Such a filter's tensors are called `~filter.part`. No tensor of a model may be: the filters say so.
struct TensorLayout<Facts: Codable & Sendable>: Codable, Sendable {
    struct Entry: Codable, Sendable, Equatable {
        var name: String
        var shape: [Int]
    }

    /// Float32 tensors, whose values follow each other.
    var tensors: [Entry]
    /// What else the filter must know.
    var facts: Facts

    /// More than any model's names and shapes take.
    static var largest: Int { 1 << 26 }

    init(_ tensors: [TensorDescription], _ facts: Facts) {
        self.tensors = tensors.map { Entry(name: $0.name, shape: $0.shape) }
        self.facts = facts
    }

    func tensor(_ name: String) throws -> Weights.Tensor {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return Weights.Tensor(bytes: Array(try encoder.encode(self)), name: name)
    }

    /// Reads a layout out of an update's tensors and checks it, before anything of the size that it claims is made.
    ///
    /// - Throws: `PrivacyError.refused`.
    init(of filter: String, in source: any TensorSource) throws {
        let bytes = try source.bytes(try source.part("layout", of: filter, type: .uint8, atMost: Self.largest))
        guard let layout = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            throw PrivacyError.malformed(filter, "its layout cannot be read")
        }
        guard Set(layout.tensors.map(\.name)).count == layout.tensors.count else {
            throw PrivacyError.malformed(filter, "its layout names a tensor twice")
        }
        var total = 0
        for entry in layout.tensors {
            var count = 1
            for length in entry.shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: length)
                guard length >= 0, !overflow, product < 1 << 40 else {
                    throw PrivacyError.malformed(filter, "its layout holds a shape that no tensor has")
                }
                count = product
            }
            total += count
            guard total < 1 << 40, (1...32).contains(entry.shape.count) else {
                throw PrivacyError.malformed(filter, "its layout holds a shape that no tensor has")
            }
        }
        self = layout
    }

    var descriptions: [TensorDescription] { tensors.map { TensorDescription(name: $0.name, shape: $0.shape) } }
}

extension TensorSource {
    /// Where an encoded part of a filter's lies among the tensors: one long vector of that type.
    ///
    /// - Throws: `PrivacyError.refused`.
    func part(_ part: String, of filter: String, type: ScalarType, atMost largest: Int = .max) throws -> Int {
        let name = partName(part, of: filter)
        let found = descriptions.indices.filter { descriptions[$0].name == name }
        guard found.count == 1, descriptions[found[0]].type == type, descriptions[found[0]].shape.count == 1,
            descriptions[found[0]].count <= largest
        else { throw PrivacyError.malformed(filter, "\(name) is not there, or is no vector of \(type.rawValue)") }
        return found[0]
    }

    /// What is in an update beside a filter's own parts, by place; none of them may have a name that the layout has.
    ///
    /// - Parameter parts: how many tensors are the filter's own.
    func besides(_ filter: String, _ tensors: [TensorDescription], parts: Int) throws -> [Int] {
        let prefix = partName("", of: filter)
        let others = descriptions.indices.filter { !descriptions[$0].name.hasPrefix(prefix) }
        guard descriptions.count - others.count == parts else {
            throw PrivacyError.malformed(filter, "it holds parts that nobody asked for")
        }
        let names = Set(tensors.map(\.name))
        guard !others.contains(where: { names.contains(descriptions[$0].name) }) else {
            throw PrivacyError.malformed(filter, "a tensor is there twice, encoded and as it is")
        }
        return others
    }
}

extension ModelUpdate {
    /// - Throws: where a tensor has a name that the filter gives its own.
    func requireNoParts(of filter: String) throws {
        let prefix = partName("", of: filter)
        guard let odd = tensors.descriptions.first(where: { $0.name.hasPrefix(prefix) }) else { return }
        throw PrivacyError.refused(
            "\(odd.name) has a name that the filter \(filter) gives its own tensors. Is the filter there twice?")
    }
}

/// The name of a tensor that a filter makes.
func partName(_ part: String, of filter: String) -> String { "~\(filter).\(part)" }

extension Weights.Tensor {
    init(bytes: [UInt8], name: String) {
        self.init(
            TensorDescription(name: name, shape: [bytes.count], type: .uint8),
            storage: TensorStorage(byteCount: bytes.count) { buffer in buffer.copyBytes(from: bytes) })
    }
}

extension PrivacyError {
    static func malformed(_ filter: String, _ fact: String) -> PrivacyError {
        .refused(
            "The update is not as the filter \(filter) sends it: \(fact). Let site and server use the same version and "
                + "the same filters.")
    }
}
