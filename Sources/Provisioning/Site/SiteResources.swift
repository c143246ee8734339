/// What a site gives to training.
public struct SiteResources: Sendable, Equatable, Codable {
    /// Numbers of GPUs; empty for the CPU; nil where nothing was said.
    public var gpuIDs: [Int]?
    /// How many GPUs, where their numbers were not said.
    public var gpuCount: Int?
    /// GiB of main memory that training may use.
    public var memoryLimit: Double?
    /// Threads that prepare batches.
    public var workers: Int?

    public init() {}

    /// How a file of these looks.
    static let sample: SiteResources = {
        var resources = SiteResources()
        resources.gpuIDs = [0]
        resources.memoryLimit = 64
        resources.workers = 4
        return resources
    }()

    enum CodingKeys: String, CodingKey {
        case gpuIDs = "gpu_ids"
        case gpuCount = "num_of_gpus"
        case memoryLimit = "memory_limit_gb"
        case workers = "num_workers"
    }
}
