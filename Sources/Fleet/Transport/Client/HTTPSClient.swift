import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Calls one server over HTTPS (HTTP/1.1, TLS 1.3), by its certificate's authority and with an own certificate where
/// there is one. Connections are kept and used again.
///
/// `close()` must be called at the end.
public final class HTTPSClient: CallTransport {
    public struct Settings: Sendable {
        public var identity: TLSIdentity?
        /// Nil for the system's authorities: for servers outside this federation.
        public var roots: TLSRoots?
        public var proxy: Proxy?
        /// TCP, the proxy and TLS.
        public var connectTimeout: Duration = .seconds(10)
        /// Between two pieces of an answer, and for its first: longer than the server holds a long poll.
        public var readTimeout: Duration = .seconds(60)
        public var writeTimeout: Duration = .seconds(60)
        public var retry = RetryPolicy()

        public init(identity: TLSIdentity? = nil, roots: TLSRoots?, proxy: Proxy? = nil) {
            self.identity = identity
            self.roots = roots
            self.proxy = proxy
        }
    }

    /// The answer's head. Its status is one of 200 to 299; others are thrown.
    public struct Reply: Sendable {
        public var status: Int
        public var headers: [(name: String, value: String)]
    }

    public let server: ServerAddress
    private let settings: Settings
    private let client: HTTPClient
    /// In place of the client's own, for calls from now on.
    private let renewed = Mutex<TLSConfiguration?>(nil)
    private let meter: @Sendable (Traffic) -> Void

    /// - Parameter meter: told of every attempt at a call, when it is over.
    public init(
        server: ServerAddress, settings: Settings, meter: @escaping @Sendable (Traffic) -> Void = { _ in }
    ) throws {
        self.server = server
        self.settings = settings
        self.meter = meter
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try settings.tlsConfiguration(), redirectConfiguration: .disallow,
            timeout: .init(
                connect: TimeAmount(settings.connectTimeout), read: TimeAmount(settings.readTimeout),
                write: TimeAmount(settings.writeTimeout)),
            proxy: server.scheme == .https ? settings.proxy?.asConfiguration : nil)
        configuration.httpVersion = .http1Only
        // Errors come at once, by name; what is tried again, and how long, is `RetryPolicy`'s.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Shows another certificate from the next call on; calls that are under way end with the one before.
    ///
    /// - Throws: `TransportError.certificate` where certificate and key do not belong together; then nothing changes.
    public func present(_ identity: TLSIdentity) throws {
        var settings = settings
        settings.identity = identity
        let configuration = try settings.tlsConfiguration()
        renewed.withLock { $0 = configuration }
    }

    public func close() async throws { try await client.shutdown() }

    /// Streams a body up and the answer down, again after errors that may pass: each time the same headers and bytes.
    ///
    /// - Throws: `TransportError`, `CancellationError`, or what the source or the sink throws.
    public func post(
        _ path: String, headers: [(name: String, value: String)], body: any ByteSource, into sink: any ByteSink,
        retry: RetryPolicy?
    ) async throws -> Reply {
        let retry = retry ?? settings.retry
        let end = ContinuousClock.now + retry.within
        var attempt = 0
        while true {
            attempt += 1
            do {
                return try await once(path, headers, body, sink, attempt: attempt)
            } catch let error as TransportError where error.isTransient {
                let pause = retry.pause(after: attempt)
                guard ContinuousClock.now + pause < end else { throw error }
                try await Task.sleep(for: pause)
            }
        }
    }

    private func once(
        _ path: String, _ headers: [(name: String, value: String)], _ body: any ByteSource, _ sink: any ByteSink,
        attempt: Int
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: server.description + path)
        request.method = .POST
        request.headers = HTTPHeaders(headers)
        request.tlsConfiguration = renewed.withLock { $0 }
        var traffic = Traffic(path: path, attempt: attempt, sent: 0, received: 0)
        let upload = Upload(source: body)
        request.body = .stream(upload, length: .known(body.length))
        defer {
            traffic.sent = upload.sent.value
            meter(traffic)
        }
        do {
            // Up to the answer's head, and so with the upload in it, which may be as slow as 1 KiB/s. One that stands
            // still is ended by the write timeout.
            let longest = settings.connectTimeout + settings.readTimeout + .seconds(body.length / 1024)
            let response = try await client.execute(request, timeout: TimeAmount(longest))
            traffic.status = Int(response.status.code)
            guard (200..<300).contains(response.status.code) else {
                throw await refusal(in: response)
            }
            let declared = response.headers.first(name: "content-length").flatMap { Int64($0) }
            try await local { try await sink.restart(length: declared) }
            for try await chunk in response.body {
                traffic.received += Int64(chunk.readableBytes)
                let bytes = Array(buffer: chunk)
                try await local { try await sink.write(bytes) }
            }
            if let declared, traffic.received != declared {
                throw TransportError.cut("the answer ended after \(traffic.received) of \(declared) bytes")
            }
            return Reply(
                status: Int(response.status.code), headers: response.headers.map { (name: $0.name, value: $0.value) })
        } catch let error as LocalFailure {
            throw error.underlying
        } catch {
            try Task.checkCancellation()
            if let failure = upload.failure.value { throw failure }
            throw await explained(error)
        }
    }

    /// What the server said of its refusal.
    private func refusal(in response: HTTPClientResponse) async -> TransportError {
        let status = Int(response.status.code)
        let body = (try? await response.body.collect(upTo: 64 * 1024)).map { Array(buffer: $0) } ?? []
        let refusal =
            Refusal(status: status, json: body)
            ?? Refusal(status: status, detail: "it gives no reason, so it may not be a server of Cohort's or Flower's.")
        return [401, 403].contains(status) ? .denied(refusal) : .answered(refusal)
    }

    /// The error by its cause; where a certificate is to blame, the server is asked once more to show it.
    private func explained(_ error: any Error) async -> TransportError {
        let failure = TransportError(reaching: server, through: settings.proxy, error: error)
        guard failure.isAboutServerCertificate else { return failure }
        let shown = try? await PresentedCertificate.fetch(
            from: server, through: settings.proxy, timeout: settings.connectTimeout)
        return shown.map { failure.explained(by: $0, host: server.host) } ?? failure
    }

    private func local(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            throw LocalFailure(underlying: error)
        }
    }
}

/// An error of this end's own source or sink: no reason to call again.
private struct LocalFailure: Error {
    var underlying: any Error
}

/// A source as the HTTP client reads it, counted.
private struct Upload: AsyncSequence, Sendable {
    final class Box<Value: Sendable>: Sendable {
        private let content: Mutex<Value>
        init(_ value: Value) { content = Mutex(value) }
        var value: Value {
            get { content.withLock { $0 } }
            set { content.withLock { $0 = newValue } }
        }
    }

    let source: any ByteSource
    let sent = Box<Int64>(0)
    let failure = Box<(any Error)?>(nil)

    func makeAsyncIterator() -> Iterator { Iterator(upload: self) }

    struct Iterator: AsyncIteratorProtocol {
        let upload: Upload
        var position: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            let end = Swift.min(position + MemorySource.chunkLength, upload.source.length)
            guard position < end else { return nil }
            do {
                let bytes = try await upload.source.read(position..<end)
                upload.sent.value += Int64(bytes.count)
                position = end
                return ByteBuffer(bytes: bytes)
            } catch {
                upload.failure.value = error
                throw error
            }
        }
    }
}

extension HTTPSClient.Settings {
    func tlsConfiguration() throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.shutdownTimeout = .seconds(1)
        if let roots { configuration.trustRoots = roots.trustRoots }
        if let identity {
            configuration.certificateChain = identity.sources
            configuration.privateKey = .privateKey(identity.key)
        }
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw TransportError.certificate("This machine's certificate and key do not belong together: \(error).")
        }
        return configuration
    }
}

extension Proxy {
    var asConfiguration: HTTPClient.Configuration.Proxy {
        .server(
            host: host, port: port,
            authorization: credentials.map { .basic(username: $0.name, password: $0.password) })
    }
}
