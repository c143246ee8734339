extension Unpickler {
    /// Numbers, text, bytes, and the header's instructions.
    mutating func runValue(_ opcode: UInt8) throws -> Bool {
        switch UnicodeScalar(opcode) {
        case "\u{80}":
            let version = try reader.byte()
            guard version <= 5 else {
                throw unsupported("it is written in pickle protocol \(version); 5 is the latest known")
            }
        case "\u{95}": try reader.skip(8)
        case "N": try pushValue(.none)
        case "\u{88}": try pushValue(.bool(true))
        case "\u{89}": try pushValue(.bool(false))
        case "K": try pushValue(.integer(Int(try reader.byte())))
        case "M": try pushValue(.integer(Int(try reader.integer(UInt16.self))))
        case "J": try pushValue(.integer(Int(try reader.integer(Int32.self))))
        case "\u{8a}": try pushLong(Int(try reader.byte()))
        case "\u{8b}": try pushLong(try reader.count(UInt32.self))
        case "G": try pushValue(.number(Double(bitPattern: try reader.integer(UInt64.self).byteSwapped)))
        case "X": try pushText(try reader.count(UInt32.self))
        case "\u{8c}": try pushText(Int(try reader.byte()))
        case "\u{8d}": try pushText(try reader.count(UInt64.self))
        case "C": try pushBytes(Int(try reader.byte()))
        case "B": try pushBytes(try reader.count(UInt32.self))
        case "\u{8e}", "\u{96}": try pushBytes(try reader.count(UInt64.self))
        case "U": try pushLatin(Int(try reader.byte()))
        case "T": try pushLatin(try reader.count(UInt32.self))
        case "\u{93}":
            let name = try pop(), module = try pop()
            guard case .value(.string(let name)) = nodes[name], case .value(.string(let module)) = nodes[module] else {
                throw malformed("a name is not a text, before byte \(reader.position)")
            }
            try global("\(module).\(name)")
        case "\u{98}": break  // marks a buffer as read-only
        default: return false
        }
        return true
    }

    private mutating func pushLong(_ length: Int) throws {
        let range = try reader.range(length)
        // Python pads with sign bytes freely; what counts is the value.
        guard length <= 8 else { throw unsupported("it holds an integer of \(length) bytes; 8 are the most") }
        var value: Int64 = 0
        for (position, byte) in reader.bytes[range].enumerated() { value |= Int64(byte) << Int64(8 * position) }
        let unused = Int64(64 - 8 * length)
        try pushValue(.integer(length == 0 ? 0 : Int((value << unused) >> unused)))
    }

    private mutating func pushText(_ length: Int) throws {
        let range = try reader.range(length)
        try pushValue(.string(String(decoding: reader.bytes[range], as: UTF8.self)))
    }

    private mutating func pushBytes(_ length: Int) throws {
        let range = try reader.range(length)
        try pushValue(.bytes(Array(reader.bytes[range])))
    }

    /// Python 2's strings, which may be text or bytes.
    private mutating func pushLatin(_ length: Int) throws {
        let range = try reader.range(length)
        var text = String.UnicodeScalarView()
        for byte in reader.bytes[range] { text.append(UnicodeScalar(byte)) }
        try pushValue(.string(String(text)))
    }
}
