#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Answers a member who asks how fast the way is: throws a body away, sends as many bytes as asked for, tells the time.
///
/// It touches no run, no disk and no state. Who has no certificate gets nothing.
public struct LinkProbe: RequestHandler {
    static let path = "/v1/fleet/measure-link"
    /// The header that says how many bytes are wanted.
    static let wantedHeader = "cohort-bytes"
    /// The header of the answer with the server's time: seconds since 1970.
    static let timeHeader = "cohort-time"
    /// The most bytes of one call, in either direction.
    static let longest: Int64 = 16 << 20

    public init() {}

    public static var route: Route { Route(.post, path, largestBody: longest, handler: LinkProbe()) }

    public func handle(_ request: Request) async throws -> Response {
        guard request.peer != nil else {
            throw Refusal(status: 401, detail: "This call needs a certificate of this federation.")
        }
        guard let wanted = Int64(request.headers[Self.wantedHeader] ?? "0"), (0...Self.longest).contains(wanted) else {
            throw Refusal(status: 400, detail: "\(Self.wantedHeader) is a number up to \(Self.longest).")
        }
        for try await _ in request.body {}
        return Response(
            headers: [(Self.timeHeader, "\(Date().timeIntervalSince1970)")],
            body: .source(ProbeBytes(length: wanted)))
    }
}

/// Bytes that no compression on the way makes fewer.
struct ProbeBytes: ByteSource {
    let length: Int64

    private static let block: [UInt8] = {
        var generator = SystemRandomNumberGenerator()
        return (0..<chunkLength).map { _ in .random(in: .min ... .max, using: &generator) }
    }()

    func read(_ range: Range<Int64>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        while bytes.count < range.count { bytes += Self.block.prefix(range.count - bytes.count) }
        return bytes
    }
}
