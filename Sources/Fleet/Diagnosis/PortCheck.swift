import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether a port can be reached, or listened on, before anything is said there.
public enum PortCheck {
    /// Opens a TCP connection to a server, or to the proxy on the way to it, and closes it.
    ///
    /// - Returns: how long that took.
    /// - Throws: `TransportError`.
    public static func connect(
        to server: ServerAddress, through proxy: Proxy? = nil, timeout: Duration = .seconds(5)
    ) async throws -> Duration {
        let start = ContinuousClock.now
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(timeout))
                .connect(host: proxy?.host ?? server.host, port: proxy?.port ?? server.port).get()
            let time = ContinuousClock.now - start
            try? await channel.close()
            return time
        } catch {
            throw TransportError(reaching: server, through: proxy, error: error)
        }
    }

    /// Whether nothing listens on a port of this machine and this program may.
    ///
    /// - Throws: `TransportError.address` where it may not.
    public static func isFree(_ port: Int) async throws -> Bool {
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: "0.0.0.0", port: port).get()
            try? await channel.close()
            return true
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            return false
        } catch {
            throw TransportError.address(
                "This program cannot listen on port \(port): \(error). Take one above 1023, or give it the right to.")
        }
    }
}
