import Fleet
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What administrators ask of a server: `POST /v1/admin/…` with JSON, each within the caller's rights.
struct AdministrationEndpoint: Sendable {
    struct RunRequest: Codable {
        var run: Int
        var path: String?
    }
    struct Submission: Codable { var runFile: String }
    struct Node: Codable {
        var name: String
        var status: String
    }
    struct Status: Codable {
        var runs: [RunQueue.Entry]
        var sites: [Node]
    }
    struct Files: Codable { var files: [String] }
    struct Log: Codable { var text: String }

    static let submit = "/v1/admin/submit"
    static let status = "/v1/admin/status"
    static let logs = "/v1/admin/logs"
    static let stop = "/v1/admin/stop"
    static let files = "/v1/admin/files"
    static let file = "/v1/admin/file"

    private let queue: RunQueue
    private let service: FleetService
    private let authorization: Authorization

    init(_ queue: RunQueue, _ service: FleetService, _ authorization: Authorization) {
        (self.queue, self.service, self.authorization) = (queue, service, authorization)
    }

    var routes: [Route] {
        [
            route(Self.submit) { (submission: Submission, caller) in
                try allow(.submitJob, caller)
                let run: RunFile
                do { run = try RunFile(yaml: submission.runFile, file: "run file") } catch {
                    throw Refusal(status: 400, detail: "\(error)")
                }
                // What would fail at once is refused now, to the one who can mend it.
                do {
                    _ = try ServedRun(run, output: URL(filePath: "/"), engine: NNUNetEngine())
                } catch { throw Refusal(status: 400, detail: "\(error)") }
                return Self.json(try await queue.submit(run, by: caller.name, of: caller.organisation))
            },
            route(Self.status) { (_: [String: String], caller) in
                try allow(.listJobs, caller)
                let nodes = await service.nodes.filter { $0.status != .unregistered }
                return Self.json(
                    Status(
                        runs: await queue.all,
                        sites: nodes.map { Node(name: $0.name.description, status: $0.status.rawValue) }))
            },
            ofRun(Self.logs, .showStats) { Self.json(Log(text: try await queue.log($0.run))) },
            ofRun(Self.stop, .abortJob) { request in
                try await queue.stop(request.run)
                return Self.json(try await queue.entry(request.run))
            },
            ofRun(Self.files, .download) { Self.json(Files(files: try await queue.files($0.run))) },
            ofRun(Self.file, .download) { request in
                let url = try await queue.file(request.run, request.path ?? "")
                return Response(
                    headers: [("content-type", "application/octet-stream")],
                    body: .source(try FileSource(path: url.path)))
            },
        ]
    }

    private func allow(_ right: Right, _ caller: Participant, _ entry: RunQueue.Entry? = nil) throws {
        var target = AuthorizationTarget()
        target.submitter = entry?.submitter
        target.submitterOrganisation = entry?.organisation
        guard authorization.allows(right, caller, target) else {
            throw Refusal(
                status: 403,
                detail:
                    "\(caller.role?.rawValue ?? "This caller") may not \(right.rawValue) here; see authorization.json."
            )
        }
    }

    private func ofRun(
        _ path: String, _ right: Right, _ body: @escaping @Sendable (RunRequest) async throws -> Response
    ) -> Route {
        route(path) { (request: RunRequest, caller) in
            try allow(right, caller, try await queue.entry(request.run))
            return try await body(request)
        }
    }

    private func route<Body: Decodable & Sendable>(
        _ path: String, _ body: @escaping @Sendable (Body, Participant) async throws -> Response
    ) -> Route {
        Route(
            .post, path, largestBody: 4 << 20,
            handler: ClosureHandler { request in
                guard let peer = request.peer else { throw Refusal(status: 401, detail: "A certificate is needed.") }
                let bytes = try await request.body.collect(upTo: 4 << 20)
                guard let asked = try? JSONDecoder().decode(Body.self, from: Data(bytes)) else {
                    throw Refusal(status: 400, detail: "The call's JSON is not that of \(path).")
                }
                do { return try await body(asked, peer.participant) } catch let error as StudyError {
                    throw Refusal(status: 404, detail: "\(error)")
                }
            })
    }

    private static func json(_ value: some Encodable) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return Response(
            headers: [("content-type", "application/json")],
            body: .bytes((try? encoder.encode(value)).map(Array.init) ?? []))
    }
}
