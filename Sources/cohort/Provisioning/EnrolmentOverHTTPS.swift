import Fleet
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asks for a certificate at a server's `/v1/enrol`, without one of its own: the token or the old certificate proves who asks.
struct EnrolmentOverHTTPS: EnrolmentTransport {
    static let path = "/v1/enrol"
    /// The site's folder with the list of what leaves; nil for an administrator's.
    let listedIn: URL?

    init(listedIn folder: URL) { listedIn = folder }

    /// - Parameter kit: of the one who asks.
    init(_ kit: URL, _ kind: Participant.Kind) {
        listedIn = kind == .site ? kit.appending(path: "state") : nil
    }

    func send(_ request: EnrolmentRequest, to server: Provisioning.ServerAddress, authority: Authority) async throws
        -> EnrolmentReply
    {
        let address = try Fleet.ServerAddress(scheme: .https, host: server.host, port: server.port)
        let connection = try HTTPSClient(
            server: address,
            settings: .init(
                roots: TLSRoots(pem: authority.pem),
                proxy: Proxy.from(environment: ProcessInfo.processInfo.environment, to: address)))
        let body = Array(try JSONEncoder().encode(request))
        if let listedIn {
            let kind = if case .token = request.proof { "enrol" } else { "renew" }
            try EgressLog(listedIn.appending(path: "egress.jsonl")).add(kind, body)
        }
        let result: Result<[UInt8], any Error>
        do {
            // Sent twice it has one effect: the same key gets the same certificate.
            result = .success(
                try await connection.post(
                    Self.path, headers: [("content-type", "application/json")], body,
                    answerUpTo: 64 << 10, retry: RetryPolicy(within: .seconds(30))))
        } catch { result = .failure(error) }
        try await connection.close()
        return try JSONDecoder().decode(EnrolmentReply.self, from: Data(result.get()))
    }
}
