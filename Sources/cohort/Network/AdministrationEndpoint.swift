import Catalog
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
    struct Submission: Codable {
        var runFile: String
        /// Hashes of files that were sent before: Flower's app bundle, and its model to begin with.
        var fab: String?
        var initial: String?
    }
    struct Uploaded: Codable { var sha256: String }
    struct Node: Codable {
        var name: String
        var status: String
    }
    struct Status: Codable {
        var runs: [RunQueue.Entry]
        var sites: [Node]
    }
    /// Of a run, of a site over all runs, or both.
    struct HistoryRequest: Codable {
        var run: Int?
        var site: String?
        var metric: String
    }
    struct History: Codable {
        var rounds: [RoundSummary]
        var sites: [SiteSummary]
    }
    struct AuditRequest: Codable {
        var peer: String?
        var since: String?
        var last: Int
    }
    struct Audit: Codable { var refusals: [RefusedCall] }
    struct Files: Codable { var files: [String] }
    struct Log: Codable { var text: String }

    static let submit = "/v1/admin/submit"
    static let upload = "/v1/admin/upload"
    static let status = "/v1/admin/status"
    static let history = "/v1/admin/history"
    static let audit = "/v1/admin/audit"
    static let logs = "/v1/admin/logs"
    static let stop = "/v1/admin/stop"
    static let files = "/v1/admin/files"
    static let file = "/v1/admin/file"

    private let queue: RunQueue
    private let service: FleetService
    private let catalog: Catalog
    private let authorization: Authorization
    /// The server's own: what `o:site` means here.
    private let organisation: String
    private let uploads: UploadFolder
    private let nodeKeys: NodeKeyFolder
    /// Of the server's kit: who vouches for the sites of a run.
    private let authority: Authority

    init(
        _ queue: RunQueue, _ service: FleetService, _ catalog: Catalog, _ authorization: Authorization,
        organisation: String, uploads: UploadFolder, nodeKeys: NodeKeyFolder, authority: Authority
    ) {
        (self.queue, self.service, self.catalog, self.authorization) = (queue, service, catalog, authorization)
        (self.organisation, self.uploads, self.nodeKeys) = (organisation, uploads, nodeKeys)
        self.authority = authority
    }

    var routes: [Route] {
        [
            route(Self.submit) { (submission: Submission, caller) in
                try allow(.submitJob, caller)
                var run: RunFile
                do { run = try RunFile(yaml: submission.runFile, file: "run file") } catch {
                    throw Refusal(status: 400, detail: "\(error)")
                }
                // What would fail at once is refused now, to the one who can mend it.
                do {
                    _ = try ServedRun(
                        run, output: URL(filePath: "/"), engine: NNUNetEngine(),
                        at: .server(authority, run: 0, order: ""))
                } catch { throw Refusal(status: 400, detail: "\(error)") }
                let files = try flowerFiles(of: run, submission)
                run.flower = run.flower.atServer()
                return Self.json(try await queue.submit(run, by: caller.name, of: caller.organisation, files: files))
            },
            uploadRoute,
            route(Self.status) { (_: [String: String], caller) in
                try allow(.listJobs, caller)
                let nodes = await service.nodes.filter { $0.status != .unregistered }
                return Self.json(
                    Status(
                        runs: await queue.all,
                        sites: nodes.map { Node(name: $0.name.description, status: $0.status.rawValue) }))
            },
            route(Self.history) { (request: HistoryRequest, caller) in
                var entry: RunQueue.Entry?
                if let run = request.run { entry = try await queue.entry(run) }
                try allow(.showStats, caller, entry)
                return Self.json(
                    History(
                        rounds: try request.run.map { try catalog.rounds(ofRun: $0, metric: request.metric) } ?? [],
                        sites: try catalog.sites(inRun: request.run, named: request.site, metric: request.metric)))
            },
            route(Self.audit) { (request: AuditRequest, caller) in
                try allow(.showErrors, caller)
                return Self.json(
                    Audit(
                        refusals: try catalog.refusals(
                            of: request.peer, since: request.since, last: min(max(1, request.last), 10_000))))
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

    /// A file for a run that is about to be handed in.
    private var uploadRoute: Route {
        Route(
            .post, Self.upload, largestBody: UploadFolder.largestFile,
            handler: ClosureHandler { request in
                guard let peer = request.peer else { throw Refusal(status: 401, detail: "A certificate is needed.") }
                try allow(.submitJob, peer.participant)
                return Self.json(Uploaded(sha256: try await uploads.take(request.body)))
            })
    }

    /// The files of a run with nodes of Flower's, which it must have; a path in a run file is none of this machine's.
    private func flowerFiles(of run: RunFile, _ submission: Submission) throws -> [String: URL] {
        func sent(_ hash: String?, _ key: String, _ path: String?) throws -> URL? {
            guard path != nil else { return nil }
            guard let file = hash.flatMap(uploads.file) else {
                throw Refusal(status: 400, detail: "flower.\(key) was not sent with the run. Hand it in again.")
            }
            return file
        }
        guard let fab = try sent(submission.fab, "fab", run.flower.fab) else { return [:] }
        let files = FlowerSubmission(fab: fab, initial: try sent(submission.initial, "initial", run.flower.initial))
        do { try files.check() } catch { throw Refusal(status: 400, detail: "\(error)") }
        for node in run.sites where node.isFlowerNode {
            guard SiteName(node.name).flatMap(nodeKeys.key) != nil else {
                throw Refusal(status: 400, detail: ServerProcess.noKey(node.name))
            }
        }
        return files.files
    }

    private func allow(_ right: Right, _ caller: Participant, _ entry: RunQueue.Entry? = nil) throws {
        var target = AuthorizationTarget(siteOrganisation: organisation)
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
