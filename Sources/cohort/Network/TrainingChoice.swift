import Federation
import Study

/// What a site was started for, where its people said so. A run for something else is refused.
struct TrainingChoice: Sendable {
    var configuration: String?
    var trainer: String?
    var plansName: String?

    /// - Throws: `FederationError.site`.
    func check(_ run: RunFile) throws {
        let pairs = [
            (configuration, run.plan.configuration, ""), (trainer, run.training.trainer, "-tr "),
            (plansName, run.plan.resolvedPlansName, "-p "),
        ]
        for (own, asked, flag) in pairs {
            guard let own, own != asked else { continue }
            throw FederationError.site(
                "The run is for \(flag)\(asked), and this site was started for \(flag)\(own). Start both for the same.")
        }
    }
}
