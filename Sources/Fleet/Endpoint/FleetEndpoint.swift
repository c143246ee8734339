import Crypto
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The twelve calls as routes of a server: who calls, what is asked, and the service's answer on its way back; beside them
/// `LinkProbe`, for `cohort doctor`.
public struct FleetEndpoint: Sendable {
    private let service: FleetService
    private let refusal: @Sendable (SigningKey) -> FleetFailure?
    private let ledger = Ledger()

    /// The header with which a Cohort site asks to wait for a message, in seconds.
    static let waitHeader = "cohort-wait"
    static let longestWait = 25.0
    /// The header with which a site asks for a name, where a server takes any key.
    static let nameHeader = "cohort-name"
    /// The header with which a Cohort site says which form of tasks it speaks. Flower's nodes have none.
    static let versionHeader = "cohort-tasks"
    /// Goes up when tasks change so that older sites or servers would misread them.
    public static let version = 1
    private let version: Int

    /// - Parameters:
    ///   - version: the form of tasks that this server speaks.
    ///   - refusal: why a key that signs a call is not heard, asked on every call before its body is read.
    public init(
        _ service: FleetService, version: Int = FleetEndpoint.version,
        refusal: @escaping @Sendable (SigningKey) -> FleetFailure? = { _ in nil }
    ) {
        self.service = service
        self.version = version
        self.refusal = refusal
    }

    public var routes: [Route] {
        FleetMethod.allCases.map { method in
            Route(
                .post, method.path, largestBody: Int64(method.longestRequest),
                handler: ClosureHandler { try await handle(method, $0) })
        } + [LinkProbe.route]
    }

    private func handle(_ method: FleetMethod, _ request: Request) async throws -> Response {
        do {
            if let theirs = request.headers[Self.versionHeader], theirs != "\(version)" {
                throw FleetFailure(
                    status: 412,
                    detail: "This site speaks form \(theirs.prefix(8)) of Cohort's tasks and this server form "
                        + "\(version). Install the same version of Cohort at both.")
            }
            if method == .pushObject { return try await push(request) }
            // Who it is comes first: a stranger must not make the server take what he sends.
            let signature = try signature(request)
            let body = try await request.body.collect(upTo: method.longestRequest)
            if let signature { try ledger.admit(signature, method, SHA256.hash(data: body)) }
            let caller = caller(request, signature)
            let call: FleetCall
            do { call = try FleetCall(method, body: body) } catch { throw FleetFailure.malformed(error) }
            let seconds = request.headers[Self.waitHeader].flatMap(Double.init) ?? 0
            let waiting = Duration.seconds(seconds.isFinite ? min(max(seconds, 0), Self.longestWait) : 0)
            let name = request.headers[Self.nameHeader].flatMap(SiteName.init)
            switch try await service.answer(call, from: caller, waiting: waiting, name: name) {
            case .answer(let answer): return Self.response(try answer.body)
            case .object(let answer):
                var response = Response(headers: Self.headers, body: .source(PulledObject(answer)))
                if !answer.isFound { response.audited = "It asked for an object that is in no message to it." }
                return response
            }
        } catch let failure as FleetFailure {
            var response = Response(
                status: failure.status, headers: [("content-type", "application/json")], body: .bytes(failure.json))
            if !failure.isOrdinary { response.audited = Self.reason(failure, request) }
            return response
        }
    }

    /// What the audit log says; the answer itself says less to one who is not who they claim to be.
    private static func reason(_ failure: FleetFailure, _ request: Request) -> String {
        guard failure == .notAuthenticated else { return failure.detail }
        return request.peer == nil
            ? "Its signature is missing, wrong, too old, or was used for another call."
            : "It named a node or a message that is another's."
    }

    private func push(_ request: Request) async throws -> Response {
        let signature = try signature(request)
        let reception = PushObjectReception(service, from: caller(request, signature))
        var digest = SHA256()
        for try await bytes in request.body {
            if signature != nil { digest.update(data: bytes) }
            try await reception.write(bytes)
        }
        if let signature { try ledger.admit(signature, .pushObject, digest.finalize()) }
        return Self.response(try await reception.finish().body)
    }

    private func caller(_ request: Request, _ signature: CallSignature?) -> Caller {
        if let peer = request.peer { return .certificate(name: peer.name) }
        return signature.map { .key($0.key) } ?? .anonymous
    }

    /// The signature of a caller without a certificate, who must be one that is heard. It counts with the call's body.
    private func signature(_ request: Request) throws -> CallSignature? {
        guard request.peer == nil else { return nil }
        let signature = try CallSignature(now: Date().timeIntervalSince1970) { request.headers[$0] }
        if let failure = refusal(signature.key) { throw failure }
        return signature
    }

    private static let headers = [(name: "content-type", value: "application/protobuf")]

    private static func response(_ body: [UInt8]) -> Response { Response(headers: headers, body: .bytes(body)) }

    private final class Ledger: Sendable {
        private let calls = Mutex(CallLedger())

        func admit(_ signature: CallSignature, _ method: FleetMethod, _ body: SHA256.Digest) throws {
            _ = try calls.withLock {
                try $0.admit(signature, method, body: body, now: Date().timeIntervalSince1970)
            }
        }
    }
}

/// The answer to pull-object as it is streamed out of the store.
private struct PulledObject: ByteSource {
    let answer: PullObjectAnswer

    init(_ answer: PullObjectAnswer) { self.answer = answer }

    var length: Int64 { Int64(answer.byteCount) }

    func read(_ range: Range<Int64>) async throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            count = try answer.read(at: Int(range.lowerBound), into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
