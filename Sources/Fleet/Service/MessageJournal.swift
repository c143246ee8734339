import Federation
import Synchronization

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

/// What a server did with nodes and messages, line by line: the one word on what the files beside it mean.
///
/// A line is in the file at once, which outlives the process; it is on the disk, which outlives the machine, after
/// `reachDisk`. Those who wait for the disk at the same time wait for one write.
final class MessageJournal: Sendable {
    enum Entry: Codable, Equatable {
        case registered(UInt64, name: SiteName, NodeRegistry.Owner)
        case unregistered(UInt64)
        case active(UInt64, interval: Double)
        case inactive(UInt64)
        case run(FleetRun)
        /// A message waits for its node; its file says the rest.
        case sent(ObjectID, key: String)
        /// The node has all of the message.
        case confirmed(ObjectID)
        /// The message shall go to its node once more.
        case again(ObjectID)
        /// A reply has begun to come.
        case receiving(ObjectID, session: String)
        /// All of a reply is on the disk.
        case received(ObjectID)
        /// A message or reply is of no more use.
        case dropped([ObjectID])
    }

    private let lines: Lines
    private let disk: SharedWrite

    /// Opens or begins a journal. A last line that was cut short is dropped: what it told of did not happen.
    ///
    /// - Parameter failed: told when the disk did not take an entry; none is taken from then on.
    /// - Returns: the entries that were there.
    static func open(
        _ url: URL, failed: @escaping @Sendable (any Error) -> Void
    ) throws -> (journal: MessageJournal, entries: [Entry]) {
        let data = (try? Data(contentsOf: url)) ?? Data()
        let decoder = JSONDecoder()
        var entries: [Entry] = []
        var whole = data.startIndex
        while let end = data[whole...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let entry = try? decoder.decode(Entry.self, from: data[whole..<end]) else { break }
            entries.append(entry)
            whole = end + 1
        }
        guard !data[whole...].contains(UInt8(ascii: "\n")) else {
            throw FleetError.storage(
                "\(url.path), line \(entries.count + 1), is no entry of a journal; it was edited, or another version wrote it"
            )
        }
        let file = try DurableFile(url, flags: O_RDWR | O_CREAT | O_APPEND)
        if whole < data.endIndex { try file.truncate(to: whole - data.startIndex) }
        return (MessageJournal(Lines(file, length: whole - data.startIndex), failed), entries)
    }

    /// Puts these entries in the place of all that the file holds.
    static func rewrite(_ url: URL, _ entries: [Entry]) throws {
        let encoder = JSONEncoder()
        try DurableFile.write(to: url) { file in
            for entry in entries { try Lines.bytes(entry, encoder).withUnsafeBytes { try file.write($0) } }
        }
    }

    private init(_ lines: Lines, _ failed: @escaping @Sendable (any Error) -> Void) {
        self.lines = lines
        disk = SharedWrite({ try lines.reachDisk() }, failed: failed)
    }

    /// Adds entries to the file, in the order of the calls.
    func append(_ entries: Entry...) throws { try lines.append(entries) }

    /// All entries that were added before this call are on the disk when it returns.
    func reachDisk() async throws { try await disk() }

    /// The open file, to which entries are added one after the other.
    private final class Lines: @unchecked Sendable {
        private let file: DurableFile
        private let encoder = JSONEncoder()
        private let length: Mutex<Int>

        init(_ file: DurableFile, length: Int) {
            self.file = file
            self.length = Mutex(length)
        }

        static func bytes(_ entry: Entry, _ encoder: JSONEncoder) throws -> Data {
            try encoder.encode(entry) + [UInt8(ascii: "\n")]
        }

        func append(_ entries: [Entry]) throws {
            try length.withLock { length in
                let bytes = try entries.reduce(into: Data()) { $0 += try Self.bytes($1, encoder) }
                do { try bytes.withUnsafeBytes { try file.write($0) } } catch {
                    // Half a line would spoil the next one.
                    try file.truncate(to: length)
                    throw error
                }
                length += bytes.count
            }
        }

        // A descriptor may be synced while another thread writes to it.
        func reachDisk() throws { try file.reachDisk() }
    }
}
