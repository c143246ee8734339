import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site trained on in a round, which it signs and sends with its update.
///
/// A sum hides an update among others only where all of them are trainings alike: a server that lets all sites but one
/// freeze their tensors, or gives one another model, reads that one's update in the sum (Pasquini et al. 2022, ACM CCS). So no
/// site helps to open updates whose statements differ in what their sites have in common.
package struct TrainingStatement: Codable, Sendable, Equatable {
    package var site: String
    /// SHA-256 of what the task says besides its tensors.
    package var settings: Data
    /// By the place of a circle in the roster: SHA-256 of the task's tensors of it in the order of the sum, their values and
    /// whether they are frozen. Names are left out, which may differ between sites.
    package var circles: [Int: Data]
    package var signature = Data()

    /// - Parameter own: the site's tensors of every circle, as in the roster; the task must hold these and no others.
    /// - Throws: `PrivacyError.forged`.
    init(of task: TrainTask, at site: String, own: [[TensorDescription]]) throws {
        let places = Dictionary(
            task.model.descriptions.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
        guard places.count == own.reduce(0, { $0 + $1.count }), own.joined().allSatisfy({ places[$0] != nil }) else {
            throw PrivacyError.forged("The server sends \(site) a model of other tensors than those that are summed.")
        }
        let frozen = Set(task.frozen)
        guard frozen.isSubset(of: task.model.names) else {
            throw PrivacyError.forged("The server freezes tensors of \(site) that are not summed.")
        }
        self.site = site
        var bytes = Canonical("secure sum: task")
        for number in [task.round, task.rounds, task.warmUpRounds, task.localEpochs] { bytes.add(number) }
        bytes.add(task.content.rawValue)
        bytes.add(task.proximalTerm)
        settings = Data(SHA256.hash(data: bytes.data))
        circles = [:]
        for (index, tensors) in own.enumerated() where !tensors.isEmpty {
            var hash = SHA256()
            for tensor in tensors {
                guard let place = places[tensor] else { continue }
                var head = Canonical("secure sum: tensor")
                head.add(frozen.contains(tensor.name) ? 1 : 0)
                head.add(tensor.type.rawValue)
                head.add(tensor.shape.count)
                for length in tensor.shape { head.add(length) }
                hash.update(data: head.data)
                let value = task.model.tensors[place]
                withExtendedLifetime(value.storage) { hash.update(bufferPointer: value.bytes) }
            }
            circles[index] = Data(hash.finalize())
        }
    }

    /// - Parameter binding: of the sum.
    package func signedBytes(of binding: Data) -> Data {
        var bytes = Canonical("secure sum: training")
        bytes.add(binding)
        bytes.add(site)
        bytes.add(settings)
        bytes.add(circles.count)
        for (index, digest) in circles.sorted(by: { $0.key < $1.key }) {
            bytes.add(index)
            bytes.add(digest)
        }
        return bytes.data
    }
}

extension SumGroup {
    /// Whether a site signed this statement, and states all circles that it is in.
    func isValid(_ statement: TrainingStatement, _ verifier: any SiteVerifier) -> Bool {
        let own = roster.circles.indices.filter { roster.circles[$0].members.contains(statement.site) }
        return sites.contains(statement.site) && Set(statement.circles.keys) == Set(own)
            && verifier.isValid(statement.signature, of: statement.signedBytes(of: binding), by: statement.site)
    }

    /// The sites that trained on what most of them did, in everything that they have in common; ascending.
    func alike(_ statements: [TrainingStatement]) -> [String] {
        func keepMost(_ statements: [TrainingStatement], _ digest: (TrainingStatement) -> Data?) -> [TrainingStatement]
        {
            let votes = Dictionary(statements.compactMap { digest($0).map { ($0, 1) } }, uniquingKeysWith: +)
            let most = votes.max {
                $0.value == $1.value ? $1.key.lexicographicallyPrecedes($0.key) : $0.value < $1.value
            }?.key
            return statements.filter { digest($0) == nil || digest($0) == most }
        }
        var alike = keepMost(statements) { $0.settings }
        for index in roster.circles.indices { alike = keepMost(alike) { $0.circles[index] } }
        return alike.map(\.site).sorted()
    }
}
