import Catalog
import Federation
import Fleet
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A server as its kit says: the hospitals' port, the administrators' port, and the runs one after the other.
struct ServerProcess {
    let kit: Kit
    let folder: URL
    let passphrase: () throws -> String?
    /// Where to listen; nil for all addresses.
    var host = "0.0.0.0"

    func run() async throws {
        ServerMemory.bound()
        let me = try await kit.participant()
        guard me.kind == .server else {
            throw ProvisioningError.kit("This is the kit of \(me.name), which is no server; use cohort site with it")
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let refusals = folder.appending(path: "audit.jsonl")
        let auditLog = AuditLog(refusals, tell: ServerLog.write)
        let service = try FleetService(folder.appending(path: "fleet"), settings: .init(keys: .registered))
        let nodes = NodeAdmission(.ofServer(folder))
        let authority = kit.authority
        let queue = try RunQueue(
            folder.appending(path: "runs"),
            ended: { id in
                nodes.close()
                do { try await service.close(UInt64(id)) } catch {
                    ServerLog.write("run \(id) cannot be closed: \(error)")
                }
            }
        ) { id, run, folder, print in
            try await Self.perform(id, run, folder, service, nodes, authority) { line in
                print(line)
                ServerLog.write("run \(id): \(line)")
            }
        }
        let catalog = try Catalog(
            folder.appending(path: "catalog.sqlite"), runs: folder.appending(path: "runs"), audit: refusals)
        let key = try kit.privateKey(passphrase: passphrase)
        let tls = HTTPSServer.TLS(
            identity: try TLSIdentity(certificateChain: kit.certificateChain().pem, privateKey: key.pem()),
            clientRoots: try TLSRoots(pem: kit.authority.pem))
        let revocations = kit.revocations()
        // One that is missing or cannot be read is told now, not only to whom it shuts out.
        _ = try revocations.isRevoked(serial: me.serial)
        let enrolment = try kit.enrolment(revocations: revocations, passphrase: passphrase)
        let audit: @Sendable (AuditEvent) -> Void = { auditLog.write($0) }
        let sites = try HTTPSServer(
            .init(host: host, port: kit.settings.server.port, tls: tls, audience: .sites),
            routes: FleetEndpoint(service, refusal: { nodes.failure($0) }).routes
                + [EnrolmentEndpoint.route(enrolment) { ServerLog.write($0) }],
            policy: Self.policy(.site, revocations) { path in
                path == EnrolmentOverHTTPS.path || path.hasPrefix("/v1/fleet/") && nodes.hasKeys
            }, audit: audit,
            onListening: { ServerLog.write("listening for sites on port \($0)") })
        let administration = try HTTPSServer(
            .init(host: host, port: kit.settings.server.administrationPort, tls: tls, audience: .administrators),
            routes: AdministrationEndpoint(
                queue, service, catalog, try kit.authorization(), organisation: me.organisation,
                uploads: try UploadFolder(folder.appending(path: "uploads")), nodeKeys: nodes.keys, authority: authority
            ).routes,
            policy: Self.policy(.administrator, revocations) { _ in false }, audit: audit,
            onListening: { ServerLog.write("listening for administrators on port \($0)") })
        ServerLog.write(
            "\(me.name) of \(kit.settings.project), certificate valid until \(me.notAfter.formatted(.iso8601))")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sites.run() }
            group.addTask { try await administration.run() }
            group.addTask { try await queue.work() }
            group.addTask { try await service.untilDiskFails() }
            group.addTask { try await auditLog.run() }
            group.addTask {
                for await node in await service.changes() { ServerLog.write("\(node.name): \(node.status.rawValue)") }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Sites on the one port, administrators on the other; what cannot be looked up is refused.
    private static func policy(
        _ kind: Participant.Kind, _ revocations: RevocationList, anonymous: @escaping @Sendable (String) -> Bool
    ) -> AccessPolicy {
        AccessPolicy(
            identify: { certificate in
                let participant = try Participant(derEncoded: certificate)
                return Peer(
                    name: participant.name, organisation: participant.organisation,
                    role: participant.role?.rawValue ?? participant.kind.rawValue, serial: participant.serial,
                    notAfter: participant.notAfter, notBefore: participant.notBefore, kind: participant.kind.rawValue)
            },
            refusal: { peer in
                guard peer.kind == kind.rawValue else {
                    return Refusal(
                        status: 403,
                        detail: "\(peer.name) is a \(peer.kind); this port is for \(kind.rawValue)s.")
                }
                do {
                    guard try revocations.isRevoked(peer.participant) else { return nil }
                    return Refusal(status: 403, detail: "The certificate of \(peer.name) is revoked.")
                } catch {
                    return Refusal(status: 503, detail: "The server cannot read its list of revocations.")
                }
            }, allowsAnonymous: anonymous)
    }
}

extension Peer {
    /// The participant that this was read from, as far as revocations look at it.
    var participant: Participant {
        Participant(
            name: name, organisation: organisation, kind: Participant.Kind(rawValue: kind) ?? .site,
            role: Role(rawValue: role), serial: serial, notBefore: notBefore, notAfter: notAfter)
    }
}
