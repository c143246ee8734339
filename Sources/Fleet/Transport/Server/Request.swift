/// A call as a handler sees it.
public struct Request: Sendable {
    public var method: Route.Method
    /// Without the query, as it was sent.
    public var path: String
    /// After the question mark, as it was sent.
    public var query: String?
    public var headers: Headers
    /// From the connection's certificate; nil where the policy lets in callers without one.
    public var peer: Peer?
    /// The caller's address without its port.
    public var address: String
    public var body: RequestBody

    /// Names in any case, in the order they came.
    public struct Headers: Sendable {
        let fields: [(name: String, value: String)]

        /// The first field of this name.
        public subscript(_ name: String) -> String? {
            let name = name.lowercased()
            return fields.first { $0.name.lowercased() == name }?.value
        }
    }
}
