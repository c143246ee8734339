#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Who is at the other end of a connection, read once from its certificate.
public struct Peer: Sendable, Equatable {
    public var name: String
    public var organisation: String
    public var role: String
    /// The certificate's serial number, as revocations name it.
    public var serial: String
    /// The certificate's end.
    public var notAfter: Date
    /// And its beginning.
    public var notBefore: Date
    /// What the wiring tells callers apart by, such as "site".
    public var kind: String

    public init(
        name: String, organisation: String, role: String, serial: String, notAfter: Date,
        notBefore: Date = .distantPast, kind: String = ""
    ) {
        self.name = name
        self.organisation = organisation
        self.role = role
        self.serial = serial
        self.notAfter = notAfter
        self.notBefore = notBefore
        self.kind = kind
    }
}
