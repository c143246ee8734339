/// What a server knows of a site: enough to average with others, and nothing of a patient.
public struct SiteDescription: Sendable, Equatable, Codable {
    public var name: String
    /// Training cases.
    public var examples: Int
    /// The dataset's name, which weights may be given for.
    public var dataset: String
    /// Such as "CT"; nil where the task knows none.
    public var modality: String?
    /// Equal for sites whose models take and give the same: channels and labels.
    public var kind: String
    /// In the order of the model's state dict.
    public var tensors: [TensorRole]

    public init(
        name: String, examples: Int, dataset: String = "", modality: String? = nil, kind: String = "",
        tensors: [TensorRole] = []
    ) {
        self.name = name
        self.examples = examples
        self.dataset = dataset
        self.modality = modality
        self.kind = kind
        self.tensors = tensors
    }
}
