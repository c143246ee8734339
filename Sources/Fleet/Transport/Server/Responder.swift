import Logging
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Decides on each call: who may, what exists, how much; then hands it to its handler.
///
/// Each refusal leaves a line in the audit log; one of its own also ends the connection.
struct Responder: Sendable {
    let routes: RouteTable
    let policy: AccessPolicy
    let limits: ServerLimits
    let audit: @Sendable (AuditEvent) -> Void
    let logger: Logger

    /// A connection's other end.
    struct Caller: Sendable {
        var address: String
        /// Nil without a certificate.
        var peer: Result<Peer, Refusal>?
    }

    enum Outcome { case keepAlive, close, abort }

    func caller(certificate: [UInt8]?, address: String) -> Caller {
        guard let certificate else { return Caller(address: address, peer: nil) }
        do {
            return Caller(address: address, peer: .success(try policy.identify(certificate)))
        } catch {
            logger.info("certificate refused", metadata: ["address": "\(address)", "error": "\(error)"])
            let refusal =
                error as? Refusal
                ?? Refusal(status: 403, detail: "This certificate is not one of a member of this federation.")
            return Caller(address: address, peer: .failure(refusal))
        }
    }

    func respond(to head: HTTPRequestHead, from caller: Caller, reader: RequestReader, writer: ResponseWriter) async
        -> Outcome
    {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.first.map(String.init) ?? ""
        let query = parts.count > 1 ? String(parts[1]) : nil
        do {
            let (route, length, peer) = try admit(head, path: path, from: caller)
            reader.allowBody(upTo: route.largestBody, proceed: writer.proceed)
            let request = Request(
                method: route.method, path: path, query: query,
                headers: .init(fields: head.headers.map { ($0.name, $0.value) }), peer: peer, address: caller.address,
                body: RequestBody(length: length, reader: reader))
            let response = try await answer(request, with: route.handler, reader: reader)
            if let reason = response.audited {
                report(caller, address: caller.address, path: path, status: response.status, reason: reason)
            }
            // Whatever a handler left of a small body is read, so that the connection can be used again.
            let whole = try await reader.finishBody(within: 64 * 1024)
            let close = !whole || !head.isKeepAlive
            try await writer.write(response, close: close)
            return close ? .close : .keepAlive
        } catch let refusal as Refusal {
            report(caller, address: caller.address, path: path, status: refusal.status, reason: refusal.detail)
            do {
                try await writer.write(Response(refusal), close: true)
                return .close
            } catch {
                return .abort
            }
        } catch {
            // Within an answer, or the caller is gone: only the cut connection says that it is not whole.
            logger.debug("call ended", metadata: ["path": "\(printable(path, upTo: 200))", "error": "\(error)"])
            return .abort
        }
    }

    /// The route, and what the caller declares.
    private func admit(_ head: HTTPRequestHead, path: String, from caller: Caller) throws -> (Route, Int64?, Peer?) {
        let peer = try caller.peer?.get()
        if let peer {
            // TLS tickets and open connections outlive the certificate.
            guard Date() < peer.notAfter else {
                throw Refusal(status: 403, detail: "The certificate of \(peer.name) has ended. Renew it.")
            }
            if let refusal = policy.refusal(peer) { throw refusal }
        }
        guard let route = routes.route(head.method.rawValue, path) else {
            throw Refusal(status: 404, detail: "There is nothing here.")
        }
        guard peer != nil || policy.allowsAnonymous(path) else {
            throw Refusal(status: 401, detail: "This call needs a certificate of this federation.")
        }
        guard let declared = head.headers.first(name: "content-length") else {
            return (route, head.headers.contains(name: "transfer-encoding") ? nil : 0, peer)
        }
        guard let length = Int64(declared), length >= 0 else {
            throw Refusal(status: 400, detail: "The content-length is not a number.")
        }
        guard length <= route.largestBody else { throw Self.tooLarge(route.largestBody) }
        return (route, length, peer)
    }

    /// The handler's answer, unless the body was not what it should be.
    private func answer(_ request: Request, with handler: any RequestHandler, reader: RequestReader) async throws
        -> Response
    {
        do {
            let response = try await handler.handle(request)
            if let failure = reader.failure { throw failure }
            return response
        } catch {
            switch reader.failure ?? error {
            case let refusal as Refusal: return Response(refusal)
            case TransportError.bodyTooLarge(let limit): throw Self.tooLarge(limit)
            case TransportError.slowBody:
                throw Refusal(status: 408, detail: "The message came too slowly. Try again.")
            case let error as HTTPParserError:
                throw Refusal(status: 400, detail: "The message is not HTTP/1.1: \(error).")
            case let failure where reader.failure != nil: throw failure
            case is CancellationError: throw error
            default:
                logger.error("handler failed", metadata: ["path": "\(request.path)", "error": "\(error)"])
                return Response(Refusal(status: 500, detail: "The server failed; its log has the reason."))
            }
        }
    }

    private static func tooLarge(_ limit: Int64) -> Refusal {
        Refusal(status: 413, detail: "The message is larger than the \(limit) bytes that this call takes.")
    }

    func report(_ caller: Caller? = nil, address: String, path: String? = nil, status: Int? = nil, reason: String) {
        let peer = try? caller?.peer?.get()
        audit(
            AuditEvent(
                time: Date(), peer: peer?.name, address: address, route: path.map { printable($0, upTo: 200) },
                status: status, reason: printable(reason, upTo: 500)))
    }
}
