import Provisioning

/// Ways by which `cohort join` reaches a server.
enum EnrolmentTransports {
    /// HTTPS to `/v1/enrol`, whose server must show the authority of the invitation.
    ///
    /// The wire is not built yet; what comes here conforms to `EnrolmentTransport`.
    static func overNetwork() throws -> any EnrolmentTransport {
        throw ProvisioningError.joining(
            "Joining over the network is not built yet. Use --offline, and cohort provision sign at the server")
    }
}
