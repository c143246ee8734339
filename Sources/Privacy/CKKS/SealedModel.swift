import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A model under CKKS as one tensor of bytes, of a length that follows from the network alone: what the server keeps, sends
/// and adds, and cannot read.
struct SealedModel {
    enum Content {
        /// Weights to begin with, under AES-256-GCM: there is no sum yet.
        case box(Data)
        case vector(CKKSVector)
    }

    /// In which the content was sealed; 0 for a box.
    var round: Int
    var content: Content

    /// Room for what is known only later: whose updates are in a sum.
    private static let headerRoom = 1 << 16

    static func description(_ layout: SealedLayout, _ parameters: CKKSParameters) -> TensorDescription {
        let blocks = (layout.count + parameters.degree - 1) / parameters.degree
        let bits = parameters.coefficientBits[..<parameters.dataPrimes].reduce(0) {
            $0 + BitPacking.byteCount(parameters.degree, bits: $1)
        }
        return TensorDescription(
            name: "ckks \(layout.digest)", shape: [blocks * bits + headerRoom], type: .uint8)
    }

    /// One byte that says which, the round and the length in eight each, the content, zeros.
    func tensor(_ description: TensorDescription) throws -> Weights.Tensor {
        let (kind, data) =
            switch content {
            case .box(let box): (UInt8(0), box)
            case .vector(let vector): (UInt8(1), try vector.bytes())
            }
        guard 17 + data.count <= description.byteCount else {
            throw PrivacyError.refused("So many sites' names do not fit into a sealed model: give them shorter names.")
        }
        return Weights.Tensor(
            description,
            storage: TensorStorage(byteCount: description.byteCount) { output in
                output.initializeMemory(as: UInt8.self, repeating: 0)
                output[0] = kind
                output.storeBytes(of: Int64(round).littleEndian, toByteOffset: 1, as: Int64.self)
                output.storeBytes(of: Int64(data.count).littleEndian, toByteOffset: 9, as: Int64.self)
                UnsafeMutableRawBufferPointer(rebasing: output[17...]).copyBytes(from: data)
            })
    }

    /// - Throws: `PrivacyError.forged` for what is no sealed model.
    init(_ source: any TensorSource) throws {
        let descriptions = source.descriptions
        let broken = PrivacyError.forged(
            "What came is no sealed model: all sites and the server must run CKKS with the same settings.")
        guard descriptions.count == 1, descriptions[0].type == .uint8, descriptions[0].byteCount >= 17 else {
            throw broken
        }
        let bytes = try source.weights().tensors[0].bytes
        let round = Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 1, as: Int64.self)))
        let length = Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 9, as: Int64.self)))
        guard length >= 0, length <= bytes.count - 17, bytes[0] <= 1 else { throw broken }
        let data = Data(bytes[17..<17 + length])
        self.round = round
        content = bytes[0] == 0 ? .box(data) : .vector(try CKKSVector(bytes: data))
    }

    init(round: Int, _ content: Content) { (self.round, self.content) = (round, content) }

    func hasVector() throws -> CKKSVector {
        guard case .vector(let vector) = content else {
            throw PrivacyError.forged("An update under CKKS came as a model to begin with: it is refused.")
        }
        return vector
    }
}

/// Which tensors a sealed model's values are, in the order of the site's network.
struct SealedLayout: Sendable, Equatable {
    let tensors: [TensorDescription]

    /// - Throws: `PrivacyError.setting` for tensors that are not float32.
    init(_ tensors: [TensorDescription]) throws {
        if let other = tensors.first(where: { $0.type != .float32 }) {
            throw PrivacyError.setting(
                "CKKS seals float32 tensors, and \(other.name) is \(other.type.rawValue): train another network, or without CKKS."
            )
        }
        guard !tensors.isEmpty else { throw PrivacyError.setting("There is no tensor to be sealed.") }
        self.tensors = tensors
    }

    var count: Int { tensors.reduce(0) { $0 + $1.count } }

    /// Equal where names, shapes and order are.
    var digest: String {
        let text = tensors.map { "\($0.name) \($0.shape)" }.joined(separator: "\n")
        return SHA256.hash(data: Data(text.utf8)).prefix(8).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// All values, one tensor behind the other.
    func values(of source: any TensorSource) throws -> [Float] {
        let weights = try source.weights()
        var values: [Float] = []
        values.reserveCapacity(count)
        for description in tensors {
            guard let tensor = weights[description.name], tensor.description == description, let floats = tensor.floats
            else {
                throw PrivacyError.refused(
                    "An update without \(description.name) as it was described cannot be sealed.")
            }
            values += floats
        }
        guard weights.tensors.count == tensors.count else {
            throw PrivacyError.refused("An update with tensors that were not described cannot be sealed.")
        }
        return values
    }

    func weights(of values: [Float]) throws -> Weights {
        guard values.count == count else {
            throw PrivacyError.forged("A sealed model has \(values.count) values, and the network \(count).")
        }
        var start = 0
        return Weights(
            tensors.map { description in
                defer { start += description.count }
                return Weights.Tensor(
                    description.name, Array(values[start..<start + description.count]), shape: description.shape)
            })
    }
}
