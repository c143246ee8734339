/// The beginning of an object: `<kind> <child,child,...> <length of the body>` and a zero byte.
public struct ObjectHead: Sendable, Hashable {
    public var kind: ObjectKind
    /// Each child once, in the order of its first use.
    public var children: [ObjectID]
    public var bodyLength: Int

    /// Flower cuts arrays into chunks of at most 5 MiB.
    public static let longestChunk = 5 << 20
    static let mostChildren = 100_000
    /// No head is longer: that many ids with their commas, and what stands around them.
    static let longest = mostChildren * 65 + 64

    public init(_ kind: ObjectKind, children: [ObjectID] = [], bodyLength: Int) {
        self.kind = kind
        self.children = children
        self.bodyLength = bodyLength
    }

    /// The head's bytes, with the zero at their end.
    public var bytes: [UInt8] {
        var bytes = Array(kind.rawValue.utf8)
        bytes.reserveCapacity(bytes.count + children.count * 65 + 24)
        bytes.append(UInt8(ascii: " "))
        for (position, child) in children.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += child.description.utf8
        }
        bytes += " \(bodyLength)".utf8
        bytes.append(0)
        return bytes
    }

    /// Reads the head at the beginning of an object.
    ///
    /// - Returns: the head and its length with the zero; nil where the bytes end before it does.
    /// - Throws: `FleetError.malformed`.
    static func parse(_ bytes: some RandomAccessCollection<UInt8>) throws -> (head: ObjectHead, length: Int)? {
        guard let end = bytes.prefix(longest).firstIndex(of: 0) else {
            guard bytes.count < longest else { throw FleetError.malformed("an object's head does not end") }
            // The kind alone is known early, so that a stream of rubbish ends early.
            let first = bytes.prefix(16)
            if let space = first.firstIndex(of: UInt8(ascii: " ")) {
                guard ObjectKind(rawValue: String(decoding: first[..<space], as: UTF8.self)) != nil else {
                    throw FleetError.malformed("an object is of no known kind")
                }
            } else if first.count == 16 {
                throw FleetError.malformed("an object is of no known kind")
            }
            return nil
        }
        let parts = bytes[..<end].split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw FleetError.malformed("an object's head has \(parts.count) parts, not 3") }
        guard let kind = ObjectKind(rawValue: String(decoding: parts[0], as: UTF8.self)) else {
            throw FleetError.malformed("an object is of no known kind")
        }
        guard let length = decimal(parts[2]), length <= kind.longestBody else {
            throw FleetError.malformed("the length in the head of an object is no number up to \(kind.longestBody)")
        }
        var children: [ObjectID] = []
        if !parts[1].isEmpty {
            var seen: Set<ObjectID> = []
            for text in parts[1].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                guard let child = ObjectID(String(decoding: text, as: UTF8.self)), seen.insert(child).inserted else {
                    throw FleetError.malformed("an object's head names a child that is no id, or twice")
                }
                children.append(child)
            }
        }
        let head = ObjectHead(kind, children: children, bodyLength: length)
        return (head, bytes.distance(from: bytes.startIndex, to: end) + 1)
    }

    /// Digits only, without a sign and without leading zeros.
    private static func decimal(_ text: some Collection<UInt8>) -> Int? {
        guard (1...10).contains(text.count), text.allSatisfy({ (48...57).contains($0) }) else { return nil }
        guard text.first != 48 || text.count == 1 else { return nil }
        return text.reduce(0) { $0 * 10 + Int($1 - 48) }
    }
}
