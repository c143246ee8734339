import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a server asks of a site for a secure sum, in this order.
package struct SumQuestion: Codable {
    package enum Stage: Codable {
        /// For fresh keys. Answered by an `Advertisement`.
        case keys
        /// With all that is public of the sum. Answered by shares of the site's secrets, sealed for each neighbour.
        case roster(SumRoster, own: [[TensorDescription]])
        /// What the neighbours sealed for the site. Answered by the names of those whose shares cannot be opened.
        case shares([String: Data])
        /// Whose updates came, and what they trained on. Answered by a `SurvivorVote`.
        case survivors([TrainingStatement])
        /// The votes of the sites. Answered by a `Disclosure`.
        case disclosure([String: SurvivorVote])
    }

    package var round: Int
    /// Random, and another one whenever an agreement begins.
    package var session: Data
    package var stage: Stage

    package init(round: Int, session: Data, stage: Stage) {
        (self.round, self.session, self.stage) = (round, session, stage)
    }
}

/// A site's keys for one sum, which it signs.
package struct Advertisement: Codable, Sendable, Equatable {
    package var site: String
    /// X25519: for the masks of pairs.
    package var maskKey: Data
    /// X25519: for what neighbours send each other through the server.
    package var cipherKey: Data
    /// SHA-256 of the secret seed of the site's own mask.
    package var seedDigest: Data
    package var signature = Data()

    package func signedBytes(run: String, round: Int, session: Data) -> Data {
        var bytes = Canonical("secure sum: keys")
        bytes.add(run)
        bytes.add(round)
        bytes.add(session)
        bytes.add(site)
        for part in [maskKey, cipherKey, seedDigest] { bytes.add(part) }
        return bytes.data
    }
}

/// Tensors that the same sites share.
package struct SumCircle: Codable, Sendable, Equatable {
    package var members: [String]
    /// Values in all.
    package var count: Int
}

/// All that is public of a sum before it begins.
package struct SumRoster: Codable, Sendable {
    package var advertisements: [Advertisement]
    /// Above or equal to 0; only their ratio matters.
    package var weights: [String: Double]
    package var circles: [SumCircle]
    package var content: ModelUpdate.Content
}

/// Whose updates a site lets be opened, which it signs.
package struct SurvivorVote: Codable, Sendable, Equatable {
    package var survivors: [String]
    package var signature: Data

    package init(survivors: [String], signature: Data) { (self.survivors, self.signature) = (survivors, signature) }

    package static func signedBytes(_ survivors: [String], of binding: Data) -> Data {
        var bytes = Canonical("secure sum: survivors")
        bytes.add(binding)
        bytes.add(survivors.count)
        for site in survivors { bytes.add(site) }
        return bytes.data
    }
}

/// A site's shares of its neighbours' secrets: the seed of whoever's update came, the mask key of whoever's did not.
package struct Disclosure: Codable, Sendable {
    package var seeds: [String: Data]
    package var keys: [String: Data]
}

/// Bytes that tell apart whatever is put into them: every part with its length before it.
struct Canonical {
    private(set) var data = Data()

    init(_ purpose: String) { add("cohort 1: " + purpose) }

    mutating func add(_ part: Data) {
        withUnsafeBytes(of: UInt64(part.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(part)
    }
    mutating func add(_ text: String) { add(Data(text.utf8)) }
    mutating func add(_ number: Int) { withUnsafeBytes(of: Int64(number).littleEndian) { add(Data($0)) } }
    mutating func add(_ number: Double) {
        withUnsafeBytes(of: number.bitPattern.littleEndian) { add(Data($0)) }
    }
}

extension Data {
    /// - Throws: `PrivacyError.forged` where it is no such message.
    func message<Message: Decodable>(_: Message.Type, from sender: String) throws -> Message {
        do { return try JSONDecoder().decode(Message.self, from: self) } catch {
            throw PrivacyError.forged(
                "A message of \(sender) for a secure sum cannot be read. Use the same version everywhere.")
        }
    }

    /// A message of a secure sum.
    init(message: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        self = try encoder.encode(message)
    }
}
