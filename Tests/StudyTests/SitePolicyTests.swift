import Federation
import Study
import Testing

@Suite struct SitePolicyTests {
    @Test func aPolicyIsRead() throws {
        let policy = try SiteRules(
            yaml: """
                work: [prepare, train]
                datasets: [Dataset301_Prostate]
                fewest_cases: 20
                largest_message_mb: 500
                hours: ["19:00-07:30", "12:00-13:00"]
                approval: yes
                """
        ).policy
        #expect(policy.work == [.prepare, .train])
        #expect(policy.datasets == ["Dataset301_Prostate"])
        #expect(policy.fewestCases == 20 && policy.largestMessage == 500_000_000 && policy.asksForApproval)
        #expect(policy.hours.map(\.description) == ["19:00-07:30", "12:00-13:00"])
        #expect(try SiteRules(yaml: "{}") == SiteRules())
    }

    @Test(arguments: [
        ("wrok: [train]", "did you mean work?"), ("work: [trian]", "such as [prepare, train, validate, send-model]"),
        ("fewest_cases: 0", "1 or more"), ("hours: [\"25:00-07:00\"]", "hours"), ("hours: [19-7]", "hours"),
        ("largest_message_mb: 9223372036854775807", "at most 1000000000"),
        ("largest_message_mb: -9223372036854775807", "1 or more"),
        ("largest_message_mb: -1", "1 or more"), ("- train", "mapping"), ("work: train", "a list such as"),
    ])
    func whatCannotBeReadAllowsNothing(yaml: String, remedy: String) {
        #expect {
            _ = try SiteRules(yaml: yaml)
        } throws: {
            "\($0)".contains(remedy)
        }
    }
}
