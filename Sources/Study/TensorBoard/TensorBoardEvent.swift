/// One `Event` of TensorBoard, by the field numbers of tensorflow's event.proto and summary.proto.
struct TensorBoardEvent {
    enum Content {
        /// The first event of a file.
        case fileVersion
        /// A resumed run: TensorBoard drops what older files say of this step and later ones.
        case sessionStart
        case scalars([(tag: String, value: Double)])
    }

    /// Seconds since 1970.
    var time: Double
    var step: Int
    var content: Content

    var bytes: [UInt8] {
        var event = ProtobufMessage()
        event.add(1, time)
        event.add(2, step)
        switch content {
        case .fileVersion: event.add(3, "brain.Event:2")
        case .sessionStart:
            var session = ProtobufMessage()
            session.add(1, 1)
            event.add(7, session)
        case .scalars(let scalars):
            var summary = ProtobufMessage()
            for scalar in scalars {
                var value = ProtobufMessage()
                value.add(1, scalar.tag)
                value.add(2, Float(scalar.value))
                summary.add(1, value)
            }
            event.add(5, summary)
        }
        return EventRecord.framed(event.bytes)
    }
}
