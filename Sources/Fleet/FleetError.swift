/// What goes wrong with what came over the wire, or with keeping it: the fact, and the remedy.
public enum FleetError: Error, CustomStringConvertible, Sendable, Equatable {
    /// Bytes that are not what they should be.
    case malformed(String)
    /// An object whose bytes are not those that its id names, or that is longer than it may be.
    case wrongObject(ObjectID, fact: String)
    case missingObject(ObjectID)
    /// A record that does not hold what the receiver needs.
    case record(String)
    /// The disk does not take or give what it should.
    case storage(String)
    /// No reply will come to a message.
    case noReply(String)
    /// A node that is not there to be sent anything.
    case unknownNode(UInt64)
    case key(String)
    /// An app bundle of Flower's that cannot be given to nodes.
    case bundle(String)

    public var description: String {
        switch self {
        case .malformed(let fact): "Refused: \(fact). The sender speaks another protocol, or the data was damaged."
        case .wrongObject(let id, let fact): "Object \(id) is refused: \(fact). Send it again."
        case .missingObject(let id): "Object \(id) is not in the store. Ask for its message again."
        case .record(let fact): "The message is refused: \(fact)."
        case .storage(let fact): "\(fact). Check the folder, its permissions and the free space."
        case .noReply(let fact): fact
        case .unknownNode(let id):
            "There is no node \(id). It may have been unregistered; take one from the list of nodes."
        case .bundle(let fact): "The app bundle cannot be used: \(fact). Make it with `flwr build`."
        case .key(let fact): "The key cannot be used: \(fact). Make a new one."
        }
    }
}
