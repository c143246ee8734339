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

/// A file that is being written for a store, over one that it has to spare where there is one. It goes when it is dropped
/// before it is kept.
final class PartialFile {
    private let path: String
    private let store: ObjectStore
    private let length: Int
    private var file: DurableFile?

    /// - Parameter length: how many bytes it will have.
    init(in store: ObjectStore, length: Int) {
        self.store = store
        self.length = length
        path = "\(store.incoming)/\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    }

    deinit { if file != nil { unlink(path) } }

    /// - Throws: `FederationError.fullDisk` or `file`.
    func write(_ body: (DurableFile) throws -> Void) throws {
        do {
            let file = try file ?? begun()
            self.file = file
            try body(file)
        } catch FederationError.fullDisk(let path) {
            store.spare.clear()
            throw FederationError.fullDisk(path)
        }
    }

    private func begun() throws -> DurableFile {
        guard store.spare.give(to: path, length: length) else {
            return try DurableFile(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
        }
        let file = try DurableFile(path: path, flags: O_WRONLY)
        if try file.byteCount() > length { try file.truncate(to: length) }
        return file
    }

    /// Gives the file its name. Where the object is there already, nothing changes.
    func keep(as id: ObjectID) throws {
        guard rename(path, store.path(id)) == 0 else { throw DurableFile.failure(path) }
        file = nil
    }
}
