/// What a node replied: durable until its message is discarded.
public struct FleetReply: Sendable {
    public let metadata: Metadata
    /// Set where the node failed.
    public let failure: MessageFailure?
    let content: ObjectID?
    let store: ObjectStore

    /// The reply's records, all checked; tensors stay in their files and are read there.
    ///
    /// - Throws: `FleetError.record` with the node's failure, or with what is wrong in its records.
    public func records() throws -> RecordDict {
        if let failure { throw FleetError.record("the node answered with \(failure)") }
        guard let content else { throw FleetError.record("the reply has no content") }
        return try RecordDict(content, in: store)
    }
}
