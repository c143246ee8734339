import Federation
import FederationTesting
import Testing

@Suite struct InProcessLinkTests {
    @Test func itIsAWayToASite() async throws {
        try await SiteLinkSuite { name, learner, filters, body in
            try await body(InProcessLink(Site(name: name, learner: learner, filters: filters)))
        }.run()
    }
}
