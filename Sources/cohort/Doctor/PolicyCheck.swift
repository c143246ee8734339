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
        let url = file.map { URL(filePath: $0) } ?? kit.local.appending(path: "site-policy.yaml")
        var found: SitePolicy?
        await checkup.check("policy") {
            if file == nil, !FileManager.default.fileExists(atPath: url.path) {
                found = SitePolicy()
                return .warn("There is no \(url.path), so every run is let in. Write one: docs/deployment.md")
            }
            let policy = try SitePolicy(contentsOf: url)
            found = policy
            if policy.work.isEmpty {
                return .fail("\(url.lastPathComponent) allows no work at all. List some under work")
            }
            if let largest = policy.largestMessage, largest < max(size.down, size.up) {
                return .fail(
                    "largest_message_mb is \(largest / 1_000_000), and the model weighs \(size.text). Allow more, or no "
                        + "run with it is let in")
            }
            return .pass(summary(policy))
        }
        return found
    }

    private func summary(_ policy: SitePolicy) -> String {
        var parts = [SitePolicy.Work.allCases.filter(policy.work.contains).map(\.rawValue).joined(separator: ", ")]
        parts.append(policy.datasets.map { "datasets " + $0.joined(separator: ", ") } ?? "any dataset")
        if !policy.hours.isEmpty { parts.append(policy.hours.map(\.description).joined(separator: " and ")) }
        if policy.asksForApproval { parts.append("each run waits for a person") }
        return parts.joined(separator: "; ")
    }
}
