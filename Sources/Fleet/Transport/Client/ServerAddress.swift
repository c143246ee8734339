/// Where a server is: a scheme, a name or an address, a port. `https://fleet.example.org:8443`.
///
/// Plain `http` is for the loopback address alone.
public struct ServerAddress: Sendable, Equatable, CustomStringConvertible {
    public enum Scheme: String, Sendable { case http, https }

    public let scheme: Scheme
    /// An IPv6 address is without its brackets.
    public let host: String
    public let port: Int

    public init(_ text: String) throws {
        let fault = TransportError.address(
            "\(printable(text, upTo: 200)) is no server's address. One looks like https://fleet.example.org:8443.")
        guard let split = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<split.lowerBound].lowercased())
        else { throw fault }
        var rest = text[split.upperBound...]
        if rest.hasSuffix("/") { rest.removeLast() }
        guard let (host, port) = splitHostAndPort(rest) else { throw fault }
        try self.init(scheme: scheme, host: host, port: port ?? (scheme == .https ? 443 : 80))
    }

    public init(scheme: Scheme, host: String, port: Int) throws {
        guard scheme == .https || isLoopback(host) else { throw TransportError.plainHTTP(host) }
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    public var description: String { "\(scheme.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}

/// `name`, `name:port`, `1.2.3.4:port`, `[::1]:port`; nil for anything else.
func splitHostAndPort(_ text: Substring) -> (host: String, port: Int?)? {
    let host: Substring
    var rest: Substring
    if text.hasPrefix("[") {
        guard let end = text.firstIndex(of: "]") else { return nil }
        host = text[text.index(after: text.startIndex)..<end]
        rest = text[text.index(after: end)...]
    } else {
        let end = text.firstIndex(of: ":") ?? text.endIndex
        host = text[..<end]
        rest = text[end...]
    }
    let allowed = host.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        case UInt8(ascii: ":"), UInt8(ascii: "%"): text.hasPrefix("[")
        default: false
        }
    }
    guard !host.isEmpty, allowed else { return nil }
    if rest.isEmpty { return (String(host), nil) }
    guard rest.removeFirst() == ":", let port = UInt16(rest), port > 0 else { return nil }
    return (String(host), Int(port))
}
