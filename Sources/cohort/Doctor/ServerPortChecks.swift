import Fleet
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A server's name and ports, on its own machine.
struct ServerPortChecks {
    let kit: Kit

    func run(_ checkup: inout Checkup) async {
        let address = kit.settings.server
        await checkup.check("name") {
            let addresses = try await NameLookup.addresses(of: address.host)
            return .pass("\(address.host) is \(addresses.joined(separator: ", ")) here")
        }
        await port("port", address.port, "sites", &checkup)
        await port("administration", address.administrationPort, "administrators", &checkup)
    }

    private func port(_ check: String, _ port: Int, _ users: String, _ checkup: inout Checkup) async {
        await checkup.check(check) {
            if try await PortCheck.isFree(port) { return .pass("\(port), for \(users), is free") }
            let server = try Fleet.ServerAddress(scheme: .https, host: "127.0.0.1", port: port)
            let shown = try? await PresentedCertificate.fetch(from: server, through: nil, timeout: .seconds(5))
            guard let shown, try CertificateChain(derEncoded: shown.certificates) == kit.certificateChain() else {
                return .fail(
                    "\(port), for \(users), is taken by another program, or by this server with an older certificate. Stop it"
                )
            }
            return .pass("\(port), for \(users), answers with this kit's certificate: the server runs")
        }
    }
}
