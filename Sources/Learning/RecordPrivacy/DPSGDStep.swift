import Federation
import Torch

/// The gradient of one step of DP-SGD (Abadi et al. 2016, arXiv:1607.00133) for any model: some records by chance, each one's
/// gradient clipped, their sum with noise, divided by the expected number of records.
///
/// Records go through the network one by one, each in a batch of its own patches. For 3D convolutions that is the fast way: a
/// single patch fills the machine, and the alternatives pay more than they save. Gradients per sample of one common backward
/// pass need a convolution of as many groups as samples, or every window unfolded in memory; clipping without them (Li et al.
/// 2021, arXiv:2110.05679) needs products of all pairs of a layer's voxels.
///
/// Belongs to the thread of its tensors.
package final class DPSGDStep {
    /// What became of the records that took part. It is not noised, and must not leave the site.
    package struct Outcome {
        /// Losses of the records whose gradient counted.
        package var losses: [Double] = []
        /// Records whose gradient was not finite. They counted as zero: to stop for them would tell of them.
        package var leftOut = 0
    }

    /// Gradients are clipped by so much less than the norm that the roundings of a sum of up to 8,000 records stay within it:
    /// 2 · 8,192 · 2⁻²⁴, of one rounding to float32 with a record and one without.
    package static let margin = 0x1p-10

    private let privacy: any GradientPrivacy
    private let parameters: [Tensor]
    /// Factors of the loss, tried in turn until a record's gradient is finite. They are tried for each record by itself: one
    /// that adapted would let a record change how those after it are rounded.
    private let lossScales: [Double]
    private let device: Device
    /// All parameters' sums one after the other, as float64, and each parameter's part of it.
    private let sum: Tensor
    private let parts: [Tensor]
    private var offsets: [Int]

    /// - Parameters:
    ///   - parameters: all that are trained, on one device; which they are must not depend on the records.
    ///   - lossScales: above 1 for gradients in float16.
    /// - Throws: where there is no parameter, or the clipping norm or the expected batch is no positive number.
    package init(_ parameters: [Tensor], privacy: any GradientPrivacy, lossScales: [Double] = [1]) throws {
        guard let first = parameters.first else {
            throw LearningError.notSupported(what: "a step without parameters", remedy: "leave some of them trained")
        }
        guard privacy.clippingNorm > 0 else {
            throw LearningError.invalidSetting(
                name: "the clipping norm", value: "\(privacy.clippingNorm)", rule: "it must be positive")
        }
        guard privacy.expectedBatch > 0, privacy.expectedBatch.isFinite else {
            throw LearningError.invalidSetting(
                name: "the expected batch", value: "\(privacy.expectedBatch)", rule: "it must be positive")
        }
        self.privacy = privacy
        self.parameters = parameters
        self.lossScales = lossScales
        device = first.device
        offsets = [0]
        for parameter in parameters { offsets.append(offsets[offsets.count - 1] + parameter.count) }
        sum = try Tensor.zeros([offsets[parameters.count]], dtype: .float64, on: device)
        parts = try Self.parts(of: sum, like: parameters, at: offsets)
    }

    private static func parts(of flat: Tensor, like parameters: [Tensor], at offsets: [Int]) throws -> [Tensor] {
        try noGrad {
            try zip(parameters, offsets).map { parameter, offset in
                try flat.narrowed(0, from: offset, count: parameter.count).reshaped(parameter.shape)
            }
        }
    }

    /// Leaves the noised gradient on the parameters, for an optimizer's step.
    ///
    /// - Parameters:
    ///   - records: how many there are.
    ///   - willTake: gets those that take part, before the first loss.
    ///   - loss: of one record, by its number: the mean over its patches. Asked again for a smaller loss scale.
    package func gradient(
        records: Int, willTake: ([Int]) throws -> Void = { _ in }, loss: (Int) throws -> Tensor
    ) throws -> Outcome {
        let taken = privacy.sample(of: records)
        // A record that came twice would change the sum by twice the norm.
        guard zip(taken, taken.dropFirst()).allSatisfy(<), taken.allSatisfy((0..<records).contains) else {
            throw LearningError.notSupported(
                what: "a sample that is not of different records in their order", remedy: "mend the sampling")
        }
        try willTake(taken)
        var outcome = Outcome()
        try noGrad { try sum.zero_() }
        for record in taken {
            if let value = try add({ try loss(record) }) { outcome.losses.append(value) } else { outcome.leftOut += 1 }
        }
        try finish()
        return outcome
    }

    /// Adds one record's clipped gradient to the sum. Returns its loss; nil where its gradient is not finite.
    private func add(_ loss: () throws -> Tensor) throws -> Double? {
        for scale in lossScales {
            for parameter in parameters { parameter.clearGradient() }
            let value = try loss()
            try (scale == 1 ? value : value * scale).backward()
            let isAdded = try noGrad { try addGradients(scaledBy: scale) }
            if isAdded { return try value.item() }
        }
        return nil
    }

    private func addGradients(scaledBy scale: Double) throws -> Bool {
        var gradients: [Tensor] = []
        var sums: [Tensor] = []
        for (parameter, part) in zip(parameters, parts) {
            guard let gradient = try parameter.gradient() else { continue }
            gradients.append(gradient)
            sums.append(part)
        }
        guard !gradients.isEmpty else { return true }
        let norms = try callAll(
            "aten::_foreach_norm", "Scalar", [.tensors(gradients), .int(2), .dtype(.float64)],
            capacity: gradients.count)
        let norm = try call("aten::linalg_vector_norm", "", .tensor(Tensor.stacked(norms, dim: 0)), .int(2)).item()
        guard norm.isFinite else { return false }
        let bound = privacy.clippingNorm * scale * (1 - Self.margin)
        let factor = (norm > bound ? bound / norm : 1) / scale
        try callAll("aten::_foreach_add_", "List", [.tensors(sums), .tensors(gradients), .double(factor)])
        return true
    }

    /// Adds the noise, divides, and hands the parameters their gradients.
    private func finish() throws {
        var values: [Float] = try sum.array()
        values.withUnsafeMutableBufferPointer { privacy.addNoise(to: $0) }
        guard values.allSatisfy(\.isFinite) else {
            throw LearningError.notSupported(
                what: "noise that is not finite", remedy: "take a smaller clipping norm or noise multiplier")
        }
        try noGrad {
            let mean = try Tensor(values, shape: [values.count], on: device)
            try mean.mul_(1 / privacy.expectedBatch)
            for (parameter, part) in zip(parameters, try Self.parts(of: mean, like: parameters, at: offsets)) {
                try parameter.setGradient(part)
            }
        }
    }
}
