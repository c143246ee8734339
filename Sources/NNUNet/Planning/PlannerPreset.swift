/// The planners that nnU-Net ships, with their constants; raw values are its class names.
public enum PlannerPreset: String, Sendable, CaseIterable {
    case standard = "ExperimentPlanner"
    case residualEncoder = "ResEncUNetPlanner"
    case residualEncoderM = "nnUNetPlannerResEncM"
    case residualEncoderL = "nnUNetPlannerResEncL"
    case residualEncoderXL = "nnUNetPlannerResEncXL"

    /// A planner by nnU-Net's name.
    public init(name: String) throws {
        guard let preset = PlannerPreset(rawValue: name) else {
            throw NNUNetError.plan(
                "Planner \(name) is unknown. Known: \(PlannerPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        self = preset
    }

    public var plansName: String {
        switch self {
        case .standard: "nnUNetPlans"
        case .residualEncoder: "nnUNetResEncUNetPlans"
        case .residualEncoderM: "nnUNetResEncUNetMPlans"
        case .residualEncoderL: "nnUNetResEncUNetLPlans"
        case .residualEncoderXL: "nnUNetResEncUNetXLPlans"
        }
    }

    var isResidual: Bool { self != .standard }

    /// Feature map elements that fit the reference memory.
    func referenceSize(dimensions: Int) -> Double {
        switch self {
        case .standard: dimensions == 3 ? 560e6 : 85e6
        case .residualEncoder, .residualEncoderM: dimensions == 3 ? 680e6 : 135e6
        case .residualEncoderL: dimensions == 3 ? 2100e6 : 380e6
        case .residualEncoderXL: dimensions == 3 ? 3600e6 : 560e6
        }
    }

    /// In GB.
    public var referenceMemory: Double {
        switch self {
        case .standard, .residualEncoder, .residualEncoderM: 8
        case .residualEncoderL: 24
        case .residualEncoderXL: 40
        }
    }

    /// The share of all voxels that one batch may hold.
    var largestDatasetShare: Double {
        switch self {
        case .standard, .residualEncoder: 0.05
        case .residualEncoderM, .residualEncoderL, .residualEncoderXL: 1
        }
    }
}
