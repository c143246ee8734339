import NNUNet

/// A preprocessed case as training sees it: something of which patches can be read.
public protocol PatchSource: Sendable {
    var identifier: String { get }
    var channels: Int { get }
    /// Three axes, in the plan's order.
    var shape: [Int] { get }
    /// Where each class lies.
    var classLocations: [ClassLocations] { get }

    /// Reads a box that lies inside of the case.
    ///
    /// - Parameters:
    ///   - box: half-open, per axis.
    ///   - image: room for every channel of the box, one after the other.
    ///   - labels: room for the box.
    func read(_ box: [Range<Int>], image: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<Int16>) throws

    /// Lends the whole case, where it is held in memory: the channels one after the other, and the labels.
    ///
    /// - Returns: nil, without calling `body`, where it is not.
    func withMemory<Result>(
        _ body: (_ image: UnsafePointer<Float>, _ labels: UnsafePointer<Int16>) throws -> Result
    ) rethrows -> Result?
}

extension PatchSource {
    public func withMemory<Result>(
        _ body: (_ image: UnsafePointer<Float>, _ labels: UnsafePointer<Int16>) throws -> Result
    ) rethrows -> Result? { nil }
}
