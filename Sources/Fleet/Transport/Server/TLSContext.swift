import NIOSSL
import Synchronization

/// The TLS settings of new connections; a renewed certificate takes the place of the old one while the port is open.
final class TLSContext: Sendable {
    private let context: Mutex<NIOSSLContext>

    init(_ identity: TLSIdentity, clientRoots: TLSRoots) throws {
        context = Mutex(try Self.make(identity, clientRoots))
    }

    var current: NIOSSLContext { context.withLock { $0 } }

    func replace(_ identity: TLSIdentity, clientRoots: TLSRoots) throws {
        let new = try Self.make(identity, clientRoots)
        context.withLock { $0 = new }
    }

    private static func make(_ identity: TLSIdentity, _ roots: TLSRoots) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: identity.sources, privateKey: .privateKey(identity.key))
        configuration.minimumTLSVersion = .tlsv13
        configuration.shutdownTimeout = .seconds(1)  // for a caller that does not bid farewell
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = roots.trustRoots
        configuration.sendCANameList = true
        configuration.applicationProtocols = ["http/1.1"]
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw TransportError.certificate("The server's certificate and key do not belong together: \(error).")
        }
    }
}
