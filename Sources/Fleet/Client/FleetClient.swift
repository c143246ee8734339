import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A node's end of the twelve calls, over HTTPS; signed where the node has a key instead of a certificate.
public struct FleetClient: Sendable {
    private let connection: any CallTransport
    private let signer: CallSigner?
    /// The node's public key, as its calls carry it; empty for one with a certificate.
    private let publicKey: [UInt8]
    private let version: Int
    /// Told of every call but push-object before it goes, with its body.
    var willCall: @Sendable (FleetMethod, [UInt8]) throws -> Void = { _, _ in }

    /// - Parameter version: the form of tasks that this node speaks.
    public init(
        _ connection: some CallTransport, key: P384.Signing.PrivateKey? = nil, version: Int = FleetEndpoint.version
    ) {
        self.connection = connection
        self.version = version
        signer = key.map { CallSigner($0) }
        publicKey = key.map { Array(SigningKey($0.publicKey).pem.utf8) } ?? []
    }

    /// What kind of error a call ended with, as far as a site can do something about it.
    public static func status(of error: any Error) -> Int? {
        switch error {
        case TransportError.denied(let refusal), TransportError.answered(let refusal): refusal.status
        default: nil
        }
    }

    private func headers(waiting: Duration? = nil, name: SiteName? = nil) throws -> [(name: String, value: String)] {
        var headers = [(name: "content-type", value: "application/protobuf")]
        headers.append((FleetEndpoint.versionHeader, "\(version)"))
        if let waiting { headers.append((FleetEndpoint.waitHeader, "\(waiting / .seconds(1))")) }
        if let name { headers.append((FleetEndpoint.nameHeader, name.description)) }
        if let signer { headers += try signer.headers(now: Date().timeIntervalSince1970) }
        return headers
    }

    private func answer(
        _ call: FleetCall, waiting: Duration? = nil, name: SiteName? = nil, retry: RetryPolicy? = nil
    ) async throws -> FleetAnswer {
        let body = try call.body
        try willCall(call.method, body)
        let answer = try await connection.post(
            call.method.path, headers: headers(waiting: waiting, name: name), body, answerUpTo: 32 << 20, retry: retry)
        return try FleetAnswer(call.method, body: answer)
    }

    private static func otherAnswer() -> FleetError { .malformed("the answer is one to another call") }

    // MARK: Life

    /// - Parameter name: what the node would be called by a server that takes any key.
    public func register(as name: SiteName? = nil) async throws {
        guard case .registered = try await answer(.registerNode(publicKey: publicKey), name: name) else {
            throw Self.otherAnswer()
        }
    }

    /// - Returns: the node's number.
    public func activate(heartbeat: Double) async throws -> UInt64 {
        guard
            case .activated(let node) = try await answer(
                .activateNode(publicKey: publicKey, heartbeatInterval: heartbeat))
        else { throw Self.otherAnswer() }
        return node
    }

    public func deactivate(_ node: UInt64) async throws { _ = try await answer(.deactivateNode(node), retry: .never) }

    /// - Returns: whether the server knows the node.
    public func heartbeat(_ node: UInt64, interval: Double) async throws -> Bool {
        guard case .heartbeat(let known) = try await answer(.sendNodeHeartbeat(node, interval: interval), retry: .never)
        else { throw Self.otherAnswer() }
        return known
    }

    // MARK: Messages down

    /// - Parameter waiting: how long the server may wait for a message where none is there; a stock one does not.
    public func pullMessage(_ node: UInt64, waiting: Duration) async throws -> (MessageEnvelope, ObjectTree)? {
        guard case .message(let envelope, let tree) = try await answer(.pullMessages(node), waiting: waiting) else {
            throw Self.otherAnswer()
        }
        guard let envelope, let tree else { return nil }
        return (envelope, tree)
    }

    /// Fetches one object into a store; the server may not have it yet.
    func pull(
        _ id: ObjectID, children: [ObjectID], node: UInt64, run: UInt64, into store: ObjectStore
    ) async throws -> PullObjectAnswer.Reader.Result {
        let sink = ObjectSinkStream { PullObjectAnswer.Reader(store.begin(id, children: children)) }
        let body = try FleetCall.pullObject(node, id, runID: run).body
        try willCall(.pullObject, body)
        _ = try await connection.post(
            FleetMethod.pullObject.path, headers: headers(), body: MemorySource(body), into: sink)
        return try await sink.finish()
    }

    public func confirm(_ message: ObjectID, node: UInt64, run: UInt64) async throws {
        _ = try await answer(.confirmMessageReceived(node, message, runID: run))
    }

    // MARK: Replies up

    public func push(
        _ envelope: MessageEnvelope, _ tree: ObjectTree, node: UInt64, seconds: Double?
    ) async throws -> FleetAnswer.PushAnswer {
        guard
            case .push(let answer) = try await answer(.pushMessages(node, envelope, tree, runtime: seconds))
        else { throw Self.otherAnswer() }
        return answer
    }

    /// Sends one object of the store.
    ///
    /// - Returns: whether the server took it.
    func push(_ id: ObjectID, node: UInt64, run: UInt64, session: String, from store: ObjectStore) async throws -> Bool
    {
        let source = try PushedObject(
            PushObjectRequest(node: node, runID: run, object: id, session: session), from: store)
        let sink = MemorySink(limit: 4096)
        _ = try await connection.post(FleetMethod.pushObject.path, headers: headers(), body: source, into: sink)
        guard case .stored(let isStored) = try await FleetAnswer(.pushObject, body: sink.bytes) else {
            throw Self.otherAnswer()
        }
        return isStored
    }
}

/// The body of a push-object call, read from the store as it goes out.
private struct PushedObject: ByteSource {
    private let before: [UInt8]
    private let after: [UInt8]
    private let byteCount: Int
    private let id: ObjectID
    private let store: ObjectStore

    init(_ request: PushObjectRequest, from store: ObjectStore) throws {
        guard let byteCount = store.byteCount(of: request.object) else {
            throw FleetError.missingObject(request.object)
        }
        (before, after) = try request.around(byteCount: byteCount)
        (self.byteCount, id, self.store) = (byteCount, request.object, store)
    }

    var length: Int64 { Int64(before.count + byteCount + after.count) }

    func read(_ range: Range<Int64>) async throws -> [UInt8] {
        let range = Int(range.lowerBound)..<Int(range.upperBound)
        let end = before.count + byteCount
        return try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            var position = range.lowerBound
            func take(_ part: Range<Int>, _ fill: (UnsafeMutableRawBufferPointer, Int) throws -> Void) rethrows {
                // A piece of a large object begins behind what stands before it.
                guard part.contains(position), position < range.upperBound else { return }
                let piece = position..<min(part.upperBound, range.upperBound)
                let first = position - range.lowerBound
                try fill(
                    UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(buffer)[first..<first + piece.count]),
                    position - part.lowerBound)
                position = piece.upperBound
            }
            take(0..<before.count) { $0.copyBytes(from: before[$1..<$1 + $0.count]) }
            try take(before.count..<end) { try store.readWhole(id, at: $1, into: $0) }
            take(end..<end + after.count) { $0.copyBytes(from: after[$1..<$1 + $0.count]) }
            count = position - range.lowerBound
        }
    }
}

/// An object on its way from the network to the store.
private actor ObjectSinkStream: ByteSink {
    private let makeReader: @Sendable () -> PullObjectAnswer.Reader
    private var reader: PullObjectAnswer.Reader

    init(_ makeReader: @escaping @Sendable () -> PullObjectAnswer.Reader) {
        self.makeReader = makeReader
        reader = makeReader()
    }

    func restart(length: Int64?) { reader = makeReader() }

    func write(_ bytes: [UInt8]) throws { try reader.write(bytes) }

    func finish() throws -> PullObjectAnswer.Reader.Result { try reader.finish() }
}
