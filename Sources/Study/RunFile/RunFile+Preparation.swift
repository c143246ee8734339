import NNUNet

extension RunFile {
    /// What the server asks for before the first round.
    public var preparationOrder: NNUNetPreparation.Order {
        var order = NNUNetPreparation.Order()
        order.planning = PlanningOrder(
            planner: plan.planner.rawValue, plansName: plan.plansName, memoryTarget: plan.gpuMemoryTarget,
            targetSpacing: plan.targetSpacing, configuration: plan.configuration)
        order.fingerprint = plan.fingerprint.rule
        order.leftAlone = Set(sites.filter(\.isFlowerNode).map(\.name))
        for site in sites { order.targetSpacings[site.name] = site.targetSpacing }
        order.stopsAfterFingerprint = task == .extractFingerprint
        return order
    }
}

extension RunFile.Labels {
    /// nil where every site keeps its own.
    public var rule: LabelHarmonisation.Rule? {
        switch self {
        case .asIs: nil
        case .intersection: .intersection
        case .union: .union
        }
    }
}
