import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where protobuf's bytes become messages, within limits.
enum ProtobufBytes {
    /// - Throws: `FleetError.malformed`.
    static func parse<Message: SwiftProtobuf.Message>(_ bytes: some SwiftProtobufContiguousBytes) throws -> Message {
        // An object's tree is five deep; deeper nesting is an attack on the stack.
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 16
        options.discardUnknownFields = true
        do {
            return try Message(serializedBytes: bytes, options: options)
        } catch {
            throw FleetError.malformed("bytes that are no \(Message.protoMessageName)")
        }
    }

    static func data(_ bytes: [UInt8]) -> Data { Data(bytes) }
}
