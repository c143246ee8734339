import NNUNet

extension RunFile {
    /// How the common plan is made.
    public struct Plan: Sendable, Equatable {
        /// Such as `3d_fullres`.
        public var configuration = "3d_fullres"
        public var fingerprint = Fingerprint.exact
        public var planner = PlannerPreset.standard
        /// GB of the sites' GPUs; nil for the planner's own.
        public var gpuMemoryTarget: Double?
        /// Millimetres (z y x); nil for the median spacing.
        public var targetSpacing: [Double]?
        /// nil for the planner's own.
        public var plansName: String?

        public init() {}

        /// How the sites' fingerprints become one.
        public enum Fingerprint: String, Sendable, CaseIterable {
            /// The fingerprint that all cases in one place would give.
            case exact
            /// FednnU-Net's.
            case weightedAverage = "weighted-average"
            /// No common one: every site plans for itself, and what their networks have in common is shared.
            case none

            public var rule: FingerprintRule? {
                switch self {
                case .exact: .exact
                case .weightedAverage: .weightedAverage
                case .none: nil
                }
            }
        }

        /// The name of the plans' file.
        public var resolvedPlansName: String { plansName ?? planner.plansName }
    }
}

extension RunFile.Plan: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("configuration", \.configuration, .fileName),
        YAMLKey("fingerprint", \.fingerprint),
        YAMLKey("planner", \.planner),
        YAMLKey("gpu_memory_target", \.gpuMemoryTarget, .above(0)),
        YAMLKey("target_spacing", \.targetSpacing, .spacing, form: ValueRule.spacing.text),
        YAMLKey("plans_name", \.plansName, .fileName, form: "a name, such as nnUNetPlans"),
    ]
}

extension RunFile.Plan.Fingerprint: YAMLWord {}
extension PlannerPreset: YAMLWord {}
