import Imaging

/// Patches and their targets, ready for one step.
public struct TrainingBatch: Sendable {
    /// Shape (batch, channel, axes of the patch…).
    public var data: Volume<Float>
    /// One per resolution, full first: (batch, 1, axes…) label numbers, or (batch, regions, axes…) of zeros and ones.
    public var targets: [Volume<Int16>]

    public init(data: Volume<Float>, targets: [Volume<Int16>]) {
        self.data = data
        self.targets = targets
    }
}

/// Where a trainer's batches come from.
///
/// A batch follows from its number alone, so that a resumed training goes on with exactly the batches that it would have
/// seen. Numbers are asked for in rising order, and an implementation may work ahead.
public protocol BatchSource: Sendable {
    func batch(_ number: Int) throws -> TrainingBatch
}
