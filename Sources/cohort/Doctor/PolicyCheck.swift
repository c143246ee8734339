import Federation
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site allows, as `cohort site` will read it.
struct PolicyCheck {
    let kit: Kit
    /// As --policy names it; nil for `site-policy.yaml` among the kit's own files.
    let file: String?
    let size: ModelSize

    /// - Returns: the policy; nil where it cannot be read.
    func run(_ checkup: inout Checkup) async -> SitePolicy? {
        var found: SitePolicy?
        await checkup.check("policy") {
            let setup = try SiteSetup(kit, policy: file, device: nil, threads: nil)
            let policy = setup.policy
            found = policy
            let files = setup.policyFiles.joined(separator: " and ")
            if files.isEmpty {
                return .warn(
                    "There is no \(kit.local.appending(path: "site-policy.yaml").path), so every run is let in. Write one: "
                        + "docs/deployment.md")
            }
            if policy.work.isEmpty {
                return .fail("\(files) allows no work at all. List some under work")
            }
            if let largest = policy.largestMessage, largest < max(size.down, size.up) {
                return .fail(
                    "largest_message_mb is \(largest / 1_000_000), and the model weighs \(size.text). Allow more, or no "
                        + "run with it is let in")
            }
            return .pass(summary(setup.rules))
        }
        return found
    }

    private func summary(_ rules: SiteRules) -> String {
        let policy = rules.policy
        var parts = [SitePolicy.Work.allCases.filter(policy.work.contains).map(\.rawValue).joined(separator: ", ")]
        parts.append(policy.datasets.map { "datasets " + $0.joined(separator: ", ") } ?? "any dataset")
        if policy.fewestCases > 1 { parts.append("at least \(policy.fewestCases) cases") }
        if !policy.hours.isEmpty { parts.append(policy.hours.map(\.description).joined(separator: " and ")) }
        if rules.secureSums != nil { parts.append("secure sums required") }
        if let privacy = rules.privacy { parts.append(privacy.text) }
        if !rules.filters.isEmpty { parts.append("filters of its own") }
        if policy.asksForApproval { parts.append("each run waits for a person") }
        return parts.joined(separator: "; ")
    }
}
