/// FednnU-Net's rule: Skorupko et al. 2025, arXiv:2503.02549. The spread between sites is lost in its deviation, and averages
/// of quantiles are no quantiles.
extension FingerprintMerge {
    /// Merges finished fingerprints: extremes as such, every other figure averaged by numbers of cases, shapes and spacings
    /// one after the other.
    public static func weightedAverage(_ fingerprints: [DatasetFingerprint]) throws -> DatasetFingerprint {
        let weights = fingerprints.map(\.shapesAfterCrop.count)
        guard weights.contains(where: { $0 > 0 }),
            Set(fingerprints.map(\.foregroundIntensities.count)).count == 1
        else { throw NNUNetError.plan("Fingerprints can only be averaged if they have cases and the same channels.") }
        return DatasetFingerprint(
            shapesAfterCrop: fingerprints.flatMap(\.shapesAfterCrop), spacings: fingerprints.flatMap(\.spacings),
            foregroundIntensities: fingerprints[0].foregroundIntensities.indices.compactMap { channel in
                weightedAverage(fingerprints.map { $0.foregroundIntensities[channel] }, weights: weights)
            },
            medianRelativeSizeAfterCropping: weightedAverage(
                fingerprints.map(\.medianRelativeSizeAfterCropping), weights: weights))
    }

    static func weightedAverage(_ values: [Double], weights: [Int]) -> Double {
        zip(values, weights).reduce(0) { $0 + $1.0 * Double($1.1) } / Double(weights.reduce(0, +))
    }

    static func weightedAverage(_ properties: [IntensityProperties], weights: [Int]) -> IntensityProperties? {
        guard let max = properties.map(\.max).max(), let min = properties.map(\.min).min() else { return nil }
        func average(_ field: KeyPath<IntensityProperties, Double>) -> Double {
            weightedAverage(properties.map { $0[keyPath: field] }, weights: weights)
        }
        return IntensityProperties(
            max: max, mean: average(\.mean), median: average(\.median), min: min,
            percentile005: average(\.percentile005), percentile995: average(\.percentile995), std: average(\.std))
    }
}
