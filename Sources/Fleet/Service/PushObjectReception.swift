/// Takes one push-object call as its body comes: the object goes to the disk, and at no time is all of it in memory.
public final class PushObjectReception {
    private let service: FleetService
    private let caller: Caller
    private var stream = ContentStream(field: 4, longest: PushObjectRequest.longest)
    private var state = State.waiting

    private enum State {
        case waiting
        case admitted(FleetService.Admission, ObjectWriter?, PushObjectRequest)
    }

    public init(_ service: FleetService, from caller: Caller) { (self.service, self.caller) = (service, caller) }

    /// Takes the next bytes of the body.
    ///
    /// - Throws: `FleetFailure` as soon as the call cannot be right, before more is taken.
    public func write(_ bytes: [UInt8]) async throws(FleetFailure) {
        let rest = try take(bytes[...])
        guard case .waiting = state, let length = stream.contentLength else { return }
        let request = try fields()
        let admission = try await service.admit(request, byteCount: length, from: caller)
        var writer: ObjectWriter?
        if case .take(_, let children) = admission {
            writer = service.store.begin(request.object, children: children)
        }
        state = .admitted(admission, writer, request)
        _ = try take(rest)
    }

    /// Takes bytes up to where the object begins, or from there on all.
    private func take(_ bytes: ArraySlice<UInt8>) throws(FleetFailure) -> ArraySlice<UInt8> {
        var bytes = bytes
        do {
            while !bytes.isEmpty {
                if case .waiting = state, stream.contentLength != nil { break }
                let (content, next) = try stream.take(bytes)
                if case .admitted(_, let writer?, _) = state { try content.withUnsafeBytes { try writer.write($0) } }
                bytes = next
            }
        } catch {
            throw Self.failure(error)
        }
        return bytes
    }

    private func fields() throws(FleetFailure) -> PushObjectRequest {
        do {
            return try PushObjectRequest(fields: stream.rest)
        } catch {
            throw Self.failure(error)
        }
    }

    /// Ends the call; the object counts from here on. Not called, nothing has happened.
    ///
    /// - Throws: `FleetFailure`.
    public func finish() async throws(FleetFailure) -> FleetAnswer {
        guard case .admitted(let admission, let writer, let request) = state else {
            throw FleetFailure.malformed(FleetError.malformed("a push-object call without an object"))
        }
        // The session comes after the object.
        let whole = try wholeRequest()
        guard whole.node == request.node, whole.runID == request.runID, whole.object == request.object else {
            throw FleetFailure.malformed(FleetError.malformed("a push-object call that names two objects"))
        }
        let length = stream.contentLength ?? 0
        let again = try await service.admit(whole, byteCount: length, from: caller)
        switch (admission, again) {
        case (.take, .take(let reply, _)):
            try finish(writer)
            return try await service.stored(request.object, byteCount: length, of: reply)
        case (_, .isThere(let reply)):
            return try await service.stored(request.object, byteCount: length, of: reply)
        default: return .stored(false)
        }
    }

    private func wholeRequest() throws(FleetFailure) -> PushObjectRequest {
        do { try stream.finish() } catch { throw Self.failure(error) }
        return try fields()
    }

    private func finish(_ writer: ObjectWriter?) throws(FleetFailure) {
        do { try writer?.finish() } catch { throw Self.failure(error) }
    }

    private static func failure(_ error: any Error) -> FleetFailure {
        switch error {
        case let failure as FleetFailure: failure
        case FleetError.storage: .cannotStore
        case is FleetError: .malformed(error)
        default: .cannotStore
        }
    }
}
