import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The envelopes and trees of messages under way: one file for each, in the form in which they are pushed.
struct MessageFiles: Sendable {
    private let folder: URL

    init(_ folder: URL) throws {
        self.folder = folder
        do { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) } catch {
            throw FleetError.storage("The folder \(folder.path) of the messages cannot be made")
        }
    }

    /// Writes a file; it is on the disk when the store that lies beside it was made durable.
    func write(_ id: ObjectID, _ envelope: MessageEnvelope, _ tree: ObjectTree) throws {
        let bytes = try FleetCall.pushMessages(0, envelope, tree, runtime: nil).body
        do {
            let file = try DurableFile(url(id), flags: O_WRONLY | O_CREAT | O_TRUNC)
            try bytes.withUnsafeBytes { try file.write($0) }
        } catch {
            remove(id)
            throw error
        }
    }

    /// Nil where there is no such file, or not all of it.
    func read(_ id: ObjectID) -> (envelope: MessageEnvelope, tree: ObjectTree)? {
        guard let bytes = try? Data(contentsOf: url(id)),
            case .pushMessages(_, let envelope, let tree, _) = try? FleetCall(.pushMessages, body: [UInt8](bytes)),
            tree.root == id
        else { return nil }
        return (envelope, tree)
    }

    func remove(_ id: ObjectID) { unlink(url(id).path) }

    func all() -> [ObjectID] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).compactMap { ObjectID($0) }
    }

    private func url(_ id: ObjectID) -> URL { folder.appending(path: id.description) }
}
