import Fleet
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/v1/enrol`: an invitation is redeemed, or a certificate renewed.
struct EnrolmentEndpoint: RequestHandler {
    let enrolment: Enrolment
    let log: @Sendable (String) -> Void

    static func route(_ enrolment: Enrolment, log: @escaping @Sendable (String) -> Void) -> Route {
        Route(
            .post, EnrolmentOverHTTPS.path, largestBody: 64 << 10,
            handler: EnrolmentEndpoint(enrolment: enrolment, log: log))
    }

    func handle(_ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: 64 << 10)
        guard let asked = try? JSONDecoder().decode(EnrolmentRequest.self, from: Data(body)) else {
            throw Refusal(status: 400, detail: "This is no request for a certificate.")
        }
        do {
            let reply = try await enrolment.answer(asked)
            log("a certificate was issued to \(try Participant(pem: reply.certificates).name)")
            return Response(
                headers: [("content-type", "application/json")], body: .bytes(Array(try JSONEncoder().encode(reply))))
        } catch ProvisioningError.refused(let refusal) {
            throw Refusal(status: 403, detail: "\(refusal).")
        } catch let error as ProvisioningError {
            throw Refusal(status: 400, detail: "\(error)")
        }
    }
}
