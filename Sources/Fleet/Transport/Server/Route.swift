/// A path that a server answers, with its largest body.
public struct Route: Sendable {
    public enum Method: String, Sendable { case get = "GET", post = "POST" }

    public var method: Method
    public var path: String
    /// Bytes. A larger declared length is refused before any of it is read.
    public var largestBody: Int64
    public var handler: any RequestHandler

    public init(_ method: Method, _ path: String, largestBody: Int64, handler: any RequestHandler) {
        self.method = method
        self.path = path
        self.largestBody = largestBody
        self.handler = handler
    }
}

/// Who a port is for, and so what may be on it.
public enum Audience: Sendable {
    /// `POST /v1/fleet/<name>` and `POST /v1/enrol`: what hospitals reach.
    case sites
    /// Any path: the administration's own port.
    case administrators
}

/// The paths of one port. What is not in the table does not exist: no path is ever taken apart or decoded.
struct RouteTable: Sendable {
    private var routes: [String: Route] = [:]

    init(_ list: [Route], for audience: Audience) throws {
        for route in list {
            if audience == .sites, route.method != .post || !Self.isOfSites(route.path) {
                throw TransportError.route(
                    "\(route.method.rawValue) \(route.path) has no place on the port that hospitals reach: only "
                        + "POST /v1/fleet/<name> and /v1/enrol have.")
            }
            guard routes.updateValue(route, forKey: Self.key(route.method.rawValue, route.path)) == nil else {
                throw TransportError.route("There are two handlers for \(route.method.rawValue) \(route.path).")
            }
        }
    }

    func route(_ method: String, _ path: some StringProtocol) -> Route? { routes[Self.key(method, path)] }

    private static func key(_ method: String, _ path: some StringProtocol) -> String { "\(method) \(path)" }

    private static func isOfSites(_ path: String) -> Bool {
        if path == "/v1/enrol" { return true }
        guard path.hasPrefix("/v1/fleet/") else { return false }
        let words = path.dropFirst("/v1/fleet/".count).split(separator: "-", omittingEmptySubsequences: false)
        return words.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (97...122).contains($0) } }
    }
}
