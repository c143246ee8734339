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

/// A file that is being written for a store. It goes when it is dropped before it is kept.
final class PartialFile {
    private let path: String
    private let store: ObjectStore
    private var file: DurableFile?

    init(in store: ObjectStore) {
        self.store = store
        path = "\(store.incoming)/\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    }

    deinit { if file != nil { unlink(path) } }

    /// - Throws: `FederationError.fullDisk` or `file`.
    func write(_ body: (DurableFile) throws -> Void) throws {
        let file = try file ?? DurableFile(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
        self.file = file
        try body(file)
    }

    /// Gives the file its name. Where the object is there already, nothing changes.
    func keep(as id: ObjectID) throws {
        guard rename(path, store.path(id)) == 0 else { throw DurableFile.failure(path) }
        file = nil
    }
}
