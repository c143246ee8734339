/// The answer to pull-object: its bytes are read piece by piece, those of the object from the store.
public struct PullObjectAnswer: Sendable {
    /// Whether the object is one that the node may have.
    public let isFound: Bool
    /// Whether it is there; where it is not, the node asks again later.
    public var isAvailable: Bool { object != nil }
    private let before: [UInt8]
    private let object: (id: ObjectID, byteCount: Int, store: ObjectStore)?

    static let notFound = PullObjectAnswer(isFound: false, before: [], object: nil)
    static let notAvailable = PullObjectAnswer(isFound: true, before: [1 << 3, 1], object: nil)

    private init(isFound: Bool, before: [UInt8], object: (ObjectID, Int, ObjectStore)?) {
        (self.isFound, self.before, self.object) = (isFound, before, object)
    }

    init(_ id: ObjectID, byteCount: Int, in store: ObjectStore) {
        var before: [UInt8] = [1 << 3, 1, 2 << 3, 1, 3 << 3 | 2]
        before.appendVarint(byteCount)
        self.init(isFound: true, before: before, object: (id, byteCount, store))
    }

    /// The length of the answer's body.
    public var byteCount: Int { before.count + (object?.byteCount ?? 0) }

    /// Fills the buffer with bytes of the body, as many as there are.
    ///
    /// - Returns: how many were written.
    public func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let buffer = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(max(0, byteCount - offset)))
        let first = min(buffer.count, max(0, before.count - offset))
        if first > 0 { buffer.copyBytes(from: before[offset..<offset + first]) }
        if let object, first < buffer.count {
            try object.store.readWhole(
                object.id, at: offset + first - before.count, into: .init(rebasing: buffer[first...]))
        }
        return buffer.count
    }
}

extension PullObjectAnswer {
    /// Takes the answer's body at the node, as it comes.
    public struct Reader {
        private var stream = ContentStream(field: 3, longest: PushObjectRequest.longest)
        private let writer: ObjectWriter

        /// What came of asking.
        public enum Result: Sendable, Equatable {
            /// The object is in the store.
            case stored
            /// The server has it not yet: ask again later.
            case notAvailable
            case notFound
        }

        /// - Parameter writer: takes the object.
        public init(_ writer: ObjectWriter) { self.writer = writer }

        /// - Throws: `FleetError` as soon as the bytes cannot be right.
        public mutating func write(_ bytes: [UInt8]) throws {
            var bytes = bytes[...]
            while !bytes.isEmpty {
                let (content, next) = try stream.take(bytes)
                try content.withUnsafeBytes { try writer.write($0) }
                bytes = next
            }
        }

        public func finish() throws -> Result {
            try stream.finish()
            let answer: Flwr_Proto_PullObjectResponse = try ProtobufBytes.parse(stream.rest)
            guard answer.objectFound else { return .notFound }
            guard answer.objectAvailable else { return .notAvailable }
            try writer.finish()
            return .stored
        }
    }
}
