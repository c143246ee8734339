import Crypto
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

/// Objects that are too small for a file each, one after the other in files of some megabytes.
///
/// To make and delete a file takes a file system longer than to write a few kilobytes, and ext4 passes over the places of
/// files deleted within the last minutes whenever it makes one: a round of a hundred sites with small models is thousands
/// of objects that come and go.
///
/// A segment is records of the object's length (4 bytes, little-endian), its id and its bytes. It is only ever added to,
/// and goes when none of its objects is needed. An object proves itself by its hash, so that a segment which a crash tore
/// holds what is whole in it: nothing behind a torn record was ever said to be on the disk. Objects that were taken away
/// may be there again after a restart, as the store's owner keeps what it needs and takes away the rest.
final class ObjectSegments: Sendable {
    /// Bytes of an object that is kept here.
    static let longestObject = 32 << 10
    /// A segment that is longer is added to no more.
    private static let fullSegment = 8 << 20
    private static let prefix = 4 + 32

    private struct Place {
        var segment: Int
        var offset: Int
        var length: Int
    }

    private struct Segment {
        var file: DurableFile
        var length: Int
        /// Objects in it that are needed.
        var count = 0
    }

    private struct State {
        var places: [ObjectID: Place] = [:]
        var segments: [Int: Segment] = [:]
        /// The one that is added to.
        var current: Int?
        var next = 0
    }

    private let folder: String
    private let state: Mutex<State>

    /// - Parameter folder: is there.
    init(in folder: String) throws {
        self.folder = folder
        var state = State()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            guard let number = Int(name) else { continue }
            let path = "\(folder)/\(number)"
            let bytes = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
            var segment = Segment(file: try DurableFile(path: path, flags: O_RDWR), length: bytes.count)
            for (id, offset, length) in Self.records(bytes) where state.places[id] == nil {
                state.places[id] = Place(segment: number, offset: offset, length: length)
                segment.count += 1
            }
            state.next = max(state.next, number + 1)
            if segment.count > 0 { state.segments[number] = segment } else { unlink(path) }
        }
        self.state = Mutex(state)
    }

    /// Up to the first that is cut or is not what its id says.
    private static func records(_ bytes: Data) -> [(id: ObjectID, offset: Int, length: Int)] {
        var records: [(id: ObjectID, offset: Int, length: Int)] = []
        var start = 0
        while bytes.count - start > prefix {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
            let offset = start + prefix
            guard length <= longestObject, bytes.count - offset >= length else { break }
            let digest = SHA256.hash(data: bytes[offset..<offset + length])
            guard digest.elementsEqual(bytes[start + 4..<offset]) else { break }
            records.append((ObjectID(digest), offset, length))
            start = offset + length
        }
        return records
    }

    func length(of id: ObjectID) -> Int? { state.withLock { $0.places[id]?.length } }

    var all: [ObjectID] { state.withLock { Array($0.places.keys) } }

    /// - Parameters: parts: together the object's bytes, which were found to be those of its id.
    func add(_ id: ObjectID, _ parts: [UnsafeRawBufferPointer]) throws {
        let length = parts.reduce(0) { $0 + $1.count }
        var record: [UInt8] = []
        record.reserveCapacity(Self.prefix + length)
        for byte in 0..<4 { record.append(UInt8(truncatingIfNeeded: length >> (8 * byte))) }
        record += id.bytes
        for part in parts { record += part }
        try state.withLock { state in
            guard state.places[id] == nil else { return }
            let number = try current(&state)
            let start = state.segments[number]!.length
            do {
                try record.withUnsafeBytes { try state.segments[number]!.file.write($0) }
            } catch {
                // Half a record would hide those behind it.
                state.current = nil
                if state.segments[number]!.count == 0 { drop(number, &state) }
                throw error
            }
            state.segments[number]!.length += record.count
            state.segments[number]!.count += 1
            state.places[id] = Place(segment: number, offset: start + Self.prefix, length: length)
        }
    }

    private func current(_ state: inout State) throws -> Int {
        if let current = state.current, state.segments[current]!.length < Self.fullSegment { return current }
        let number = state.next
        let file = try DurableFile(path: "\(folder)/\(number)", flags: O_RDWR | O_CREAT | O_EXCL | O_APPEND)
        state.next += 1
        state.current = number
        state.segments[number] = Segment(file: file, length: 0)
        return number
    }

    /// - Returns: false where the object is not here.
    func read(_ id: ObjectID, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Bool {
        try state.withLock { state in
            guard let place = state.places[id] else { return false }
            guard offset >= 0, offset + buffer.count <= place.length else {
                throw FleetError.wrongObject(id, fact: "it has \(place.length) bytes")
            }
            try state.segments[place.segment]!.file.read(into: buffer, at: place.offset + offset)
            return true
        }
    }

    /// - Returns: false where the object is not here.
    func remove(_ id: ObjectID) -> Bool {
        state.withLock { state in
            guard let place = state.places.removeValue(forKey: id) else { return false }
            state.segments[place.segment]!.count -= 1
            if state.segments[place.segment]!.count == 0 { drop(place.segment, &state) }
            return true
        }
    }

    private func drop(_ number: Int, _ state: inout State) {
        state.segments[number] = nil
        if state.current == number { state.current = nil }
        unlink("\(folder)/\(number)")
    }
}
