import ArgumentParser
import Fleet
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The kit by which one takes part.
struct KitOption: ParsableArguments {
    @Option(help: ArgumentHelp("An administrator's kit (or set COHORT_KIT).", valueName: "folder")) var kit: String?
    @OptionGroup var passphrase: PassphraseOptions

    /// Asks the server's administration, with this kit's certificate.
    func ask<Question: Encodable, Answer: Decodable>(_ path: String, _ question: Question) async throws -> Answer {
        let bytes = try await withConnection { connection in
            try await connection.post(
                path, headers: [("content-type", "application/json")], Array(JSONEncoder().encode(question)),
                answerUpTo: 64 << 20)
        }
        return try JSONDecoder().decode(Answer.self, from: Data(bytes))
    }

    func withConnection<Result>(_ body: (HTTPSClient) async throws -> Result) async throws -> Result {
        guard let folder = kit ?? ProcessInfo.processInfo.environment["COHORT_KIT"] else {
            throw ValidationError("Say by whose kit: --kit FOLDER, or set COHORT_KIT.")
        }
        let kit = try Kit(contentsOf: URL(filePath: folder))
        let server = kit.settings.server
        let connection = try kit.connection(
            port: server.administrationPort, passphrase: { try passphrase.ofKey(kit.settings.name) },
            retry: RetryPolicy(within: .seconds(20)))
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(connection)) } catch { result = .failure(error) }
        try await connection.close()
        return try result.get()
    }
}

extension Kit {
    /// A way to the kit's server, with the kit's certificate; through a proxy where the environment names one.
    func connection(
        port: Int, passphrase: () throws -> String?, retry: RetryPolicy = RetryPolicy()
    ) throws -> HTTPSClient {
        let address = try Fleet.ServerAddress(scheme: .https, host: settings.server.host, port: port)
        var client = HTTPSClient.Settings(
            identity: try TLSIdentity(
                certificateChain: certificateChain().pem, privateKey: privateKey(passphrase: passphrase).pem()),
            roots: try TLSRoots(pem: authority.pem),
            proxy: try Proxy.from(environment: ProcessInfo.processInfo.environment, to: address))
        client.retry = retry
        return try HTTPSClient(server: address, settings: client)
    }
}
