/// A protobuf message with one long field of bytes, taken as it comes: the bytes pass through, the rest is kept.
struct ContentStream {
    private enum State {
        case before
        case inside(left: Int)
        case after
    }
    private var state = State.before
    private let tag: UInt64
    private let longest: Int
    /// All fields but the long one.
    private(set) var rest: [UInt8] = []
    /// How long the field is; nil until it begins.
    private(set) var contentLength: Int?

    private static let longestRest = 4096

    /// - Parameters:
    ///   - field: the number of the long field.
    ///   - longest: how many bytes it may have.
    init(field: Int, longest: Int) {
        tag = UInt64(field) << 3 | 2
        self.longest = longest
    }

    /// Takes the next bytes.
    ///
    /// - Returns: those of them that are of the long field, and those that follow: take these with the next call.
    /// - Throws: `FleetError.malformed`.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws -> (content: ArraySlice<UInt8>, next: ArraySlice<UInt8>) {
        switch state {
        case .before:
            let before = rest.count
            rest += bytes.prefix(Self.longestRest + 32 - before)
            guard let (end, start, length) = try findContent() else {
                guard rest.count <= Self.longestRest else { throw FleetError.malformed("a call's fields are too long") }
                return ([], [])
            }
            guard length <= longest else {
                throw FleetError.malformed("a call's object has \(length) bytes; \(longest) is the most")
            }
            rest = Array(rest[..<end])
            contentLength = length
            state = length == 0 ? .after : .inside(left: length)
            return ([], bytes.dropFirst(start - before))
        case .inside(let left):
            let content = bytes.prefix(left)
            state = content.count == left ? .after : .inside(left: left - content.count)
            return (content, bytes.dropFirst(content.count))
        case .after:
            guard rest.count + bytes.count <= Self.longestRest else {
                throw FleetError.malformed("a call's fields are too long")
            }
            rest += bytes
            return ([], [])
        }
    }

    /// - Throws: `FleetError.malformed` where the long field was not whole.
    func finish() throws {
        if case .inside(let left) = state { throw FleetError.malformed("an object ends \(left) bytes early") }
    }

    /// Where the long field's tag stands in `rest`, where its bytes begin, and how many they are.
    private func findContent() throws -> (tag: Int, start: Int, length: Int)? {
        var position = 0
        func varint() throws -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: 0, to: 70, by: 7) {
                guard position < rest.count else { return nil }
                let byte = rest[position]
                position += 1
                guard shift < 63 || byte <= 1 else { break }
                value |= UInt64(byte & 127) << UInt64(shift)
                if byte < 128 { return value }
            }
            throw FleetError.malformed("a call's field has no number")
        }
        while true {
            let start = position
            guard let key = try varint() else { return nil }
            if key == tag {
                guard let length = try varint() else { return nil }
                guard length <= UInt64(Int32.max) else { throw FleetError.malformed("a call's object is too long") }
                return (start, position, Int(length))
            }
            switch key & 7 {
            case 0: guard try varint() != nil else { return nil }
            case 1: position += 8
            case 5: position += 4
            case 2:
                guard let length = try varint() else { return nil }
                guard length <= UInt64(Self.longestRest) else {
                    throw FleetError.malformed("a call's fields are too long")
                }
                position += Int(length)
            default: throw FleetError.malformed("a call's field is of no known kind")
            }
            guard position <= rest.count else { return nil }
        }
    }
}
