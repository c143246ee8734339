#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An HTTP proxy that a site's calls go through: `CONNECT`, with TLS from end to end inside.
///
/// Its description leaves the credentials out.
public struct Proxy: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public struct Credentials: Sendable, Equatable {
        public var name: String
        public var password: String
    }

    public var host: String
    public var port: Int
    /// Sent as `Basic`.
    public var credentials: Credentials?

    public init(host: String, port: Int, name: String? = nil, password: String? = nil) {
        self.host = host
        self.port = port
        credentials = name.map { Credentials(name: $0, password: password ?? "") }
    }

    /// - Parameter text: `http://name:password@host:port`, percent-encoded; all but the host may be left out.
    public init(_ text: String) throws {
        var rest = text[...]
        if let split = rest.firstRange(of: "://") {
            let scheme = rest[..<split.lowerBound].lowercased()
            guard scheme == "http" else {
                throw TransportError.proxySetting(
                    "HTTPS_PROXY names a proxy by \(printable(scheme, upTo: 20)), and only http:// is spoken to "
                        + "proxies. (What passes through it is TLS all the same.)")
            }
            rest = rest[split.upperBound...]
        }
        if let end = rest.firstIndex(of: "/") { rest = rest[..<end] }
        var name: String?
        var password: String?
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            name = Self.percentDecoded(parts[0])
            password = parts.count > 1 ? Self.percentDecoded(parts[1]) : nil
            rest = rest[rest.index(after: at)...]
            guard name != nil, parts.count == 1 || password != nil else {
                throw TransportError.proxySetting("HTTPS_PROXY has credentials that are not percent-encoded rightly.")
            }
        }
        guard let (host, port) = splitHostAndPort(rest) else {
            throw TransportError.proxySetting("HTTPS_PROXY is not of the form http://host:port.")
        }
        self.init(host: host, port: port ?? 80, name: name, password: password)
    }

    /// By `HTTPS_PROXY` and `NO_PROXY`, or the same in small letters, which win; nil where there is none for this
    /// server. The loopback address is never asked of a proxy.
    public static func from(environment: [String: String], to server: ServerAddress) throws -> Proxy? {
        func value(_ name: String) -> String? {
            [name.lowercased(), name].compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        guard server.scheme == .https, !isLoopback(server.host), let proxy = value("HTTPS_PROXY") else { return nil }
        let exceptions = (value("NO_PROXY") ?? "").split { $0 == "," || $0 == " " }
        if exceptions.contains(where: { matches($0, server) }) { return nil }
        return try Proxy(proxy)
    }

    /// `*`, a name with all below it, an address, or a network like `10.0.0.0/8`.
    private static func matches(_ exception: Substring, _ server: ServerAddress) -> Bool {
        if exception == "*" { return true }
        let host = server.host.lowercased()
        if let slash = exception.firstIndex(of: "/") {
            guard let network = ipv4(exception[..<slash]), let address = ipv4(host[...]),
                let bits = Int(exception[exception.index(after: slash)...]), (0...32).contains(bits)
            else { return false }
            let mask: UInt32 = bits == 0 ? 0 : ~0 << UInt32(32 - bits)
            return network & mask == address & mask
        }
        guard let (name, port) = splitHostAndPort(exception.drop { $0 == "*" }.drop { $0 == "." }) else { return false }
        guard port == nil || port == server.port else { return false }
        return host == name.lowercased() || host.hasSuffix("." + name.lowercased())
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let decoded = UInt8(Substring(rest.prefix(2)), radix: 16) else { return nil }
            bytes.append(decoded)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func ipv4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }
        guard parts.count == 4 else { return nil }
        return parts.reduce(0) { $0 << 8 | UInt32($1) }
    }

    public var description: String { "\(host):\(port)" + (credentials == nil ? "" : " with credentials") }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
