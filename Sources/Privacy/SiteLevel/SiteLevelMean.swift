import Federation
import Synchronization

/// The weighted mean of clipped differences, with noise that the server adds once: σ·C, or b·C, times the largest weight.
///
/// Neighbours differ by one site's difference, which is there or is zeros; who takes part and with what weight is known.
/// A tensor that only some sites hold has noise for the largest weight among those. Where sites share the noise, none is
/// added, and a tensor of fewer sites than reach the target is refused.
public struct SiteLevelMean: Aggregator {
    private let settings: SiteLevelSettings
    private let norms: ClippingNorms
    private let source: NoiseSource
    private let releases = Releases()

    private final class Releases: Sendable {
        let count = Mutex(0)
    }

    /// - Parameter norms: those of the filter that clips.
    /// - Throws: `PrivacyError.setting`.
    public init(_ settings: SiteLevelSettings, norms: ClippingNorms? = nil, source: NoiseSource = .secure) throws {
        try settings.validate()
        guard settings.adaptive == nil || norms != nil else {
            throw PrivacyError.setting("A clipping norm that adapts is the same for filter and mean: give them one.")
        }
        self.settings = settings
        self.norms = try norms ?? ClippingNorms(first: settings.clippingNorm)
        self.source = source
    }

    public func combine(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws -> Weights {
        for contribution in contributions {
            guard contribution.content == .difference else { throw SiteLevelSettings.needsDifference }
            guard contribution.weight.groupWeight == nil else {
                throw PrivacyError.setting(
                    "Weights of groups cannot be combined with privacy of sites: weight all equally.")
            }
        }
        var mean = try WeightedMean().combine(contributions, plan: plan, global: global)
        let release = releases.count.withLock { count in
            count += 1
            return count
        }
        let held = contributions.map { Set($0.tensors.descriptions.map(\.name)) }
        for (index, share) in plan.shares.enumerated() where share.tensor.type == .float32 {
            var weights: [Double] = []
            for (contribution, names) in zip(contributions, held) {
                guard let name = share.members[contribution.site.name], names.contains(name) else { continue }
                weights.append(contribution.weight.value)
            }
            if case .shared(let fewest) = settings.noise {
                guard weights.isEmpty || weights.count >= fewest else {
                    throw PrivacyError.refused(
                        "\(share.tensor.name) came from \(weights.count) sites, whose noise is too little: \(fewest) are "
                            + "needed. Share only what all sites hold, or wait for more of them.")
                }
                continue
            }
            let sum = weights.reduce(0, +)
            guard sum > 0, let largest = weights.max(), let tensor = mean[share.tensor.name] else { continue }
            let (sensitivity, sigma) = (norms.current * largest / sum, settings.noiseMultiplier)
            let stream = source.stream("mean \(release) \(index)")
            switch settings.mechanism {
            case .gaussian:
                mean.set(
                    tensor.adding(
                        try GaussianNoise.covering(sensitivity: sensitivity, noiseMultiplier: sigma, stream: stream)))
            case .laplace:
                mean.set(
                    tensor.adding(
                        try LaplaceNoise.covering(sensitivity: sensitivity, noiseMultiplier: sigma, stream: stream)))
            }
        }
        return mean
    }
}

extension Weights.Tensor {
    /// With noise on every value of a float32 tensor.
    func adding(_ noise: some AdditiveNoise) -> Weights.Tensor {
        var noise = noise
        return Weights.Tensor(
            description,
            storage: TensorStorage(byteCount: bytes.count) { buffer in
                buffer.copyMemory(from: bytes)
                noise.add(to: buffer.assumingMemoryBound(to: Float.self))
            })
    }
}

extension TensorSource {
    /// All of it in memory, with noise on every value of float32 tensors: made once, so that to read it twice tells no more.
    func adding(_ noise: GaussianNoise) throws -> Weights {
        var noise = noise
        return Weights(
            try weights().tensors.map { tensor in
                guard tensor.description.type == .float32 else { return tensor }
                return Weights.Tensor(
                    tensor.description,
                    storage: TensorStorage(byteCount: tensor.bytes.count) { buffer in
                        buffer.copyMemory(from: tensor.bytes)
                        noise.add(to: buffer.assumingMemoryBound(to: Float.self))
                    })
            })
    }
}
