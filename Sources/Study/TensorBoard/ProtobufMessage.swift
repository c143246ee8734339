/// The bytes of a protobuf message, field after field: the little of the format that TensorBoard's events need.
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ field: Int, _ number: Int) {
        varint(UInt64(field << 3))
        varint(UInt64(bitPattern: Int64(number)))
    }

    mutating func add(_ field: Int, _ number: Double) {
        varint(UInt64(field << 3 | 1))
        bytes += EventRecord.littleEndian(number.bitPattern)
    }

    mutating func add(_ field: Int, _ number: Float) {
        varint(UInt64(field << 3 | 5))
        bytes += EventRecord.littleEndian(number.bitPattern)
    }

    mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

    mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, message.bytes) }

    private mutating func add(_ field: Int, _ content: [UInt8]) {
        varint(UInt64(field << 3 | 2))
        varint(UInt64(content.count))
        bytes += content
    }

    private mutating func varint(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
