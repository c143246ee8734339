/// Who may call, as the wiring decides it. TLS has checked by then that a shown certificate is of the given roots, is
/// for clients and was valid when the connection began.
public struct AccessPolicy: Sendable {
    /// Reads a peer from its certificate (DER), once for each connection. What it throws is a refusal.
    ///
    /// The leaf alone: the handshake has verified the path to a root, and BoringSSL does not hand the path out.
    public var identify: @Sendable (_ certificate: [UInt8]) throws -> Peer
    /// Looked at on every call, since connections and TLS tickets outlive a revocation. The certificate's end is looked
    /// at on every call too, by the server itself.
    public var refusal: @Sendable (Peer) -> Refusal?
    /// The paths that a caller without a certificate may call.
    public var allowsAnonymous: @Sendable (_ path: String) -> Bool

    public init(
        identify: @escaping @Sendable (_ certificate: [UInt8]) throws -> Peer,
        refusal: @escaping @Sendable (Peer) -> Refusal?,
        allowsAnonymous: @escaping @Sendable (_ path: String) -> Bool
    ) {
        self.identify = identify
        self.refusal = refusal
        self.allowsAnonymous = allowsAnonymous
    }
}
