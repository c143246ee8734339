import Torch

/// Refuses networks whose normalisation mixes samples, as batch norm in training does: in them a record has a part in the
/// gradients of others, which no clipping of its own bounds.
///
/// Told by trying, whatever the layers are called: a network that treats every sample by itself gives a sample the same
/// output alone and beside another. Frozen statistics pass.
package enum SampleIndependence {
    /// - Parameters:
    ///   - shape: of one sample, (channels, axes…).
    ///   - network: the output for (batch, channels, axes…), computed as in training.
    /// - Throws: ``LearningError/notSupported(what:remedy:)``.
    package static func require(shape: [Int], on device: Device, of network: (Tensor) throws -> Tensor) throws {
        var generator = Philox(seed: 1, purpose: .other)
        func sample(_ scale: Float) throws -> Tensor {
            let values = (0..<shape.reduce(1, *)).map { _ in scale * Float(generator.uniform() - 0.25) }
            return try Tensor(values, shape: [1] + shape, on: device)
        }
        let (first, second) = (try sample(1), try sample(20))
        let (alone, together) = try noGrad {
            try (
                network(first).array(Float.self),
                network(.concatenated([first, second], dim: 0)).narrowed(0, from: 0, count: 1).array(Float.self)
            )
        }
        let largest = alone.reduce(0) { max($0, abs($1)) }
        // Kernels for one sample and for two may round otherwise, in bfloat16 by some hundredths.
        let isSame = zip(alone, together).allSatisfy { abs($0 - $1) <= 0.1 * largest }
        guard isSame else {
            throw LearningError.notSupported(
                what: "DP-SGD with a normalisation that mixes samples, such as batch norm,",
                remedy: "take instance or group norm, or freeze its statistics")
        }
    }
}
