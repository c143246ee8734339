import Fleet
import Foundation
import Testing

@Suite(
    "Versions",
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct SiteVersionTests {
    /// A site ends at once, with one sentence, where the server is older or newer; what it sent until then is listed.
    @Test(arguments: [-1, 1]) func aServerOfAnotherVersion(difference: Int) async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let version = FleetEndpoint.version + difference
        let service = try FleetService(bench.cohort.folder.appending(path: "fleet"))
        let outcome = try await bench.served(routes: FleetEndpoint(service, version: version).routes) {
            try await bench.run("site", bench.kit("hospital_a").path)
        }
        #expect(outcome.status != 0)
        let errors = outcome.errors.split(separator: "\n")
        #expect(
            errors.count == 1 && outcome.errors.contains("this server form \(version). Install the same version"),
            "\(outcome.errors)")
        #expect(!outcome.output.contains("Trying again"), "\(outcome.output)")
        #expect(await service.nodes.isEmpty)
        let egress = try String(
            contentsOf: bench.kit("hospital_a").appending(path: "state/egress.jsonl"), encoding: .utf8)
        #expect(egress.contains("activate-node"), "\(egress)")
    }
}
