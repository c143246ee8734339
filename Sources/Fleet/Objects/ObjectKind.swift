/// What an object is; raw values are Flower's names.
public enum ObjectKind: String, Sendable, CaseIterable {
    case arrayChunk = "ArrayChunk"
    case array = "Array"
    case arrayRecord = "ArrayRecord"
    case metricRecord = "MetricRecord"
    case configRecord = "ConfigRecord"
    case recordDict = "RecordDict"
    case message = "Message"

    /// The longest body that is taken: chunks have a fixed limit in Flower; the others are lists and settings.
    public var longestBody: Int { self == .arrayChunk ? ObjectHead.longestChunk : 16 << 20 }
}
