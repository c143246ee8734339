/// How a request reaches the server: over the network, or as a file by any way that people have.
public protocol EnrolmentTransport: Sendable {
    /// Sends a request to a server whose certificate is of this authority, and to no other.
    ///
    /// - Throws: `ProvisioningError.refused` where the server refuses, another error where it cannot be reached; then the
    ///   same request may be sent again.
    func send(_ request: EnrolmentRequest, to server: ServerAddress, authority: Authority) async throws
        -> EnrolmentReply
}
