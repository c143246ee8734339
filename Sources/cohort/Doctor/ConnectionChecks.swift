import Fleet
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The way from a site or an administrator to the server, step by step; a step that fails leaves out those behind it.
struct ConnectionChecks {
    let kit: Kit
    let passphrase: () throws -> String?
    let size: ModelSize
    var environment = ProcessInfo.processInfo.environment

    private var port: Int {
        kit.settings.kind == .administrator ? kit.settings.server.administrationPort : kit.settings.server.port
    }

    func run(_ checkup: inout Checkup) async {
        let server: Fleet.ServerAddress
        let proxy: Proxy?
        do {
            server = try Fleet.ServerAddress(scheme: .https, host: kit.settings.server.host, port: port)
            proxy = try Proxy.from(environment: environment, to: server)
        } catch {
            checkup.note("proxy", .fail("\(error)"))
            return skip(["name", "port"] + Self.behind.dropFirst(), &checkup)
        }
        let isNamed = await checkup.check("name") {
            let host = proxy?.host ?? server.host
            let addresses = try await NameLookup.addresses(of: host)
            return .pass("\(host) is \(addresses.joined(separator: ", "))")
        }
        guard isNamed else { return skip(["port"] + Self.behind, &checkup) }
        let isOpen = await checkup.check("port") {
            let time = try await PortCheck.connect(to: server, through: proxy)
            let place = proxy.map { "\($0.host):\($0.port)" } ?? "\(server.host):\(server.port)"
            return .pass("\(place) answers in \(milliseconds(time)) ms")
        }
        guard isOpen else { return skip(Self.behind, &checkup) }
        do {
            try await talk(server, proxy, &checkup)
        } catch {
            checkup.note("tls", .fail("\(error)"))
            skip(Array(Self.behind.drop { $0 != "admission" }), &checkup)
        }
    }

    private static let behind = ["proxy", "tls", "admission", "clock", "upload", "download", "round"]

    private func skip(_ checks: [String], _ checkup: inout Checkup) {
        for check in checks { checkup.note(check, .skip("not looked at, since what comes before it failed")) }
    }

    // MARK: With TLS

    private func talk(_ server: Fleet.ServerAddress, _ proxy: Proxy?, _ checkup: inout Checkup) async throws {
        var settings = HTTPSClient.Settings(
            identity: try TLSIdentity(
                certificateChain: kit.certificateChain().pem, privateKey: kit.privateKey(passphrase: passphrase).pem()),
            roots: try TLSRoots(pem: kit.authority.pem), proxy: proxy)
        settings.retry = .never
        settings.readTimeout = .seconds(20)
        let client = try HTTPSClient(server: server, settings: settings)
        let measurement = LinkMeasurement(client)
        let greeting = await greeting(measurement)
        if case .failure(let error) = greeting, error.isOfProxy {
            checkup.note("proxy", .fail("\(error)"))
            skip(Array(Self.behind.dropFirst()), &checkup)
            return try await client.close()
        }
        checkup.note(
            "proxy", .pass(proxy.map { "\($0) lets calls through" } ?? "none (HTTPS_PROXY is not set for this server)"))
        switch greeting {
        case .success(let greeting):
            await passTLS(server, proxy, &checkup)
            checkup.note("admission", .pass("the server lets \(kit.settings.name) in"))
            checkup.note("clock", clock(greeting))
            await rates(measurement, greeting, &checkup)
        case .failure(.answered(let refusal)) where refusal.status == 404:
            await passTLS(server, proxy, &checkup)
            checkup.note("admission", .pass("the server lets \(kit.settings.name) in"))
            for check in ["clock", "upload", "download", "round"] {
                checkup.note(check, .skip("not measured: this port of the server does not offer it"))
            }
        case .failure(let error) where error.isAboutAdmission:
            await passTLS(server, proxy, &checkup)
            // A server's refusal says why, and not who can change it.
            let remedy = error.isRefusal ? " Ask the study's coordinator." : ""
            checkup.note("admission", .fail("\(error)\(remedy)"))
            skip(["clock", "upload", "download", "round"], &checkup)
        case .failure(let error):
            checkup.note("tls", .fail("\(error)" + (await signer(of: server, proxy))))
            skip(Array(Self.behind.dropFirst(2)), &checkup)
        }
        try await client.close()
    }

    private func greeting(_ measurement: LinkMeasurement) async -> Result<LinkMeasurement.Greeting, TransportError> {
        do { return .success(try await measurement.greet()) } catch let error as TransportError {
            return .failure(error)
        } catch {
            return .failure(.cut("\(error)"))
        }
    }

    private func passTLS(_ server: Fleet.ServerAddress, _ proxy: Proxy?, _ checkup: inout Checkup) async {
        let shown = try? await PresentedCertificate.fetch(from: server, through: proxy, timeout: .seconds(5))
        let end = shown.map { ", until \($0.notAfter.formatted(.iso8601))" } ?? ""
        checkup.note("tls", .pass("nothing inspects it: the certificate is of this federation's authority\(end)"))
    }

    /// Who signed what is shown instead of the server's certificate: where TLS is inspected, the box that does it.
    private func signer(of server: Fleet.ServerAddress, _ proxy: Proxy?) async -> String {
        guard let shown = try? await PresentedCertificate.fetch(from: server, through: proxy, timeout: .seconds(5)),
            let chain = try? CertificateChain(derEncoded: shown.certificates)
        else { return "" }
        return " What is shown was signed by: \(chain.issuer)."
    }

    private func clock(_ greeting: LinkMeasurement.Greeting) -> Finding.Result {
        let seconds = abs(greeting.clockOffset)
        let text =
            seconds < 2
            ? "within \(seconds < 1 ? 1 : 2) s of the server's"
            : "\(Int(seconds)) s \(greeting.clockOffset > 0 ? "behind" : "ahead of") the server's"
        let remedy = ". Let this machine keep time by NTP (timedatectl set-ntp true)"
        return seconds > 300 ? .fail(text + remedy) : seconds > 30 ? .warn(text + remedy) : .pass(text)
    }

    private func rates(
        _ measurement: LinkMeasurement, _ greeting: LinkMeasurement.Greeting, _ checkup: inout Checkup
    ) async {
        var up: Double?
        var down: Double?
        await checkup.check("upload") {
            let rate = try await measurement.uploadRate()
            up = rate
            return .pass("\(megabits(rate)) Mbit/s, \(milliseconds(greeting.roundTrip)) ms there and back")
        }
        await checkup.check("download") {
            let rate = try await measurement.downloadRate()
            down = rate
            return .pass("\(megabits(rate)) Mbit/s")
        }
        guard let up, let down else { return skip(["round"], &checkup) }
        checkup.note("round", RoundEstimate(size: size, uploadRate: up, downloadRate: down).finding)
    }

    private func milliseconds(_ time: Duration) -> String { Progress.rounded(time / .milliseconds(1)) }
    private func megabits(_ rate: Double) -> String { Progress.rounded(rate * 8 / 1e6) }
}

extension TransportError {
    /// Whether the server was reached, and does not let this end in.
    fileprivate var isAboutAdmission: Bool {
        switch self {
        case .certificateRefused, .denied, .answered: true
        default: false
        }
    }

    fileprivate var isOfProxy: Bool {
        switch self {
        case .proxy: true
        case .timedOut(let phase, _): phase == "asking the proxy"
        default: false
        }
    }

    fileprivate var isRefusal: Bool {
        switch self {
        case .denied, .answered: true
        default: false
        }
    }
}
