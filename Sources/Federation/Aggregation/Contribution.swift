/// One site's checked update, as an aggregator reads it.
public struct Contribution: Sendable {
    public var site: SiteDescription
    public var content: ModelUpdate.Content
    public var tensors: any TensorSource
    public var weight: SiteWeighting.Weight

    public init(
        site: SiteDescription, content: ModelUpdate.Content, tensors: any TensorSource, weight: SiteWeighting.Weight
    ) {
        self.site = site
        self.content = content
        self.tensors = tensors
        self.weight = weight
    }
}
