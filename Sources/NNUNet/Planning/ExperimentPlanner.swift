import Imaging

/// Turns a fingerprint into plans by nnU-Net's rules: Isensee et al. 2021, doi 10.1038/s41592-020-01008-z; residual encoder
/// presets: Isensee et al. 2024, arXiv:2404.09556.
public struct ExperimentPlanner: Sendable {
    public var preset: PlannerPreset
    /// In GB; the preset's own where it is nil.
    public var memoryTarget: Double?
    /// (z, y, x), instead of the dataset's median.
    public var targetSpacing: [Double]?
    public var plansName: String
    public var preprocessorName = "DefaultPreprocessor"
    /// Entries of the labels that memory is estimated for, instead of the dataset's: sites with other labels then plan one
    /// network.
    public var outputEntries: Int?

    public init(
        _ preset: PlannerPreset = .standard, memoryTarget: Double? = nil, targetSpacing: [Double]? = nil,
        plansName: String? = nil
    ) throws {
        if let targetSpacing, targetSpacing.count != 3 || targetSpacing.contains(where: { !($0 > 0) }) {
            throw NNUNetError.plan("The target spacing must be three numbers above zero, not \(targetSpacing).")
        }
        if let memoryTarget, !(memoryTarget > 0) { throw NNUNetError.plan("The memory target must be above 0 GB.") }
        self.preset = preset
        self.memoryTarget = memoryTarget
        self.targetSpacing = targetSpacing
        self.plansName = plansName ?? preset.plansName
    }

    /// Plans for a dataset.
    public func plan(
        _ dataset: DatasetDescription, fingerprint: DatasetFingerprint, datasetName: String,
        imageReaderWriter: ImageReaderWriter
    ) throws -> Plans {
        let target = targetSpacing ?? fullResolutionSpacing(fingerprint)
        let transpose = Self.transpose(target)
        let shapes = zip(fingerprint.spacings, fingerprint.shapesAfterCrop).map { spacing, shape in
            transpose.forward.map { roundedHalfEven(spacing[$0] / target[$0] * Double(shape[$0])) }
        }
        let median = (0..<3).map { axis in quantile(shapes.map { $0[axis] }, 0.5) }
        let spacing = transpose.forward.map { target[$0] }
        let voxels = median.reduce(1, *) * Double(dataset.numTraining)
        let context = Context(dataset: dataset, fingerprint: fingerprint, planner: self)

        var configurations: [(String, JSONObject)] = []
        let flat = context.configuration(
            "2d", spacing: Array(spacing.dropFirst()), median: Array(median.dropFirst()), voxels: voxels)
        configurations.append(("2d", flat.json(batchDice: true)))
        if median[0] != 1 {
            let full = context.configuration("3d_fullres", spacing: spacing, median: median, voxels: voxels)
            if let low = lowResolution(full, median: median, spacing: spacing, dataset: dataset, context: context) {
                var lowJSON = low.json(batchDice: false)
                lowJSON["next_stage"] = .string("3d_cascade_fullres")
                configurations.append(("3d_lowres", lowJSON))
                configurations.append(("3d_fullres", full.json(batchDice: true)))
                let cascade = JSONObject([
                    ("inherits_from", .string("3d_fullres")), ("previous_stage", .string("3d_lowres")),
                ])
                configurations.append(("3d_cascade_fullres", cascade))
            } else {
                configurations.append(("3d_fullres", full.json(batchDice: false)))
            }
        }
        let medianSpacing = (0..<3).map { axis in quantile(fingerprint.spacings.map { $0[axis] }, 0.5) }
        let medianShape = (0..<3).map { axis in quantile(fingerprint.shapesAfterCrop.map { Double($0[axis]) }, 0.5) }
        return try Plans(
            json: JSONObject([
                ("dataset_name", .string(datasetName)), ("plans_name", .string(plansName)),
                ("original_median_spacing_after_transp", JSONValue(transpose.forward.map { medianSpacing[$0] })),
                (
                    "original_median_shape_after_transp",
                    JSONValue(transpose.forward.map { Int(medianShape[$0].rounded(.toNearestOrEven)) })
                ),
                ("image_reader_writer", .string(imageReaderWriter.rawValue)),
                ("transpose_forward", JSONValue(transpose.forward)),
                ("transpose_backward", JSONValue(transpose.backward)),
                ("configurations", .object(JSONObject(configurations.map { ($0.0, .object($0.1)) }))),
                ("experiment_planner_used", .string(preset.rawValue)), ("label_manager", .string("LabelManager")),
                (
                    "foreground_intensity_properties_per_channel",
                    .object(JSONObject(fingerprint.foregroundIntensities.enumerated().map { (String($0), $1.json) }))
                ),
            ]))
    }

    // MARK: Spacing and axes

    /// The median spacing; on an axis that is coarse and has few voxels in most cases, a finer one.
    func fullResolutionSpacing(_ fingerprint: DatasetFingerprint) -> [Double] {
        var target = (0..<3).map { axis in quantile(fingerprint.spacings.map { $0[axis] }, 0.5) }
        let size = (0..<3).map { axis in quantile(fingerprint.shapesAfterCrop.map { Double($0[axis]) }, 0.5) }
        let worst = target.firstIndex(of: target.max()!)!
        let others = (0..<3).filter { $0 != worst }
        let coarsestOther = others.map { target[$0] }.max()!
        if target[worst] > 3 * coarsestOther, size[worst] * 3 < others.map({ size[$0] }).min()! {
            var finer = quantile(fingerprint.spacings.map { $0[worst] }, 0.1)
            if finer < coarsestOther { finer = max(coarsestOther, finer) + 1e-5 }
            target[worst] = finer
        }
        return target
    }

    /// The coarsest axis goes first.
    static func transpose(_ spacing: [Double]) -> (forward: [Int], backward: [Int]) {
        let coarsest = spacing.firstIndex(of: spacing.max()!)!
        let forward = [coarsest] + (0..<3).filter { $0 != coarsest }
        return (forward, (0..<3).map { forward.firstIndex(of: $0)! })
    }

    // MARK: Low resolution

    /// A coarser configuration, where a patch sees less than a quarter of the median case at full resolution.
    private func lowResolution(
        _ full: Context.Configuration, median: [Double], spacing: [Double], dataset: DatasetDescription,
        context: Context
    ) -> Context.Configuration? {
        var low: Context.Configuration?
        var lowSpacing = spacing
        var medianVoxels = median.reduce(1, *)
        var patchVoxels = full.patchSize.reduce(1, *)
        while Double(patchVoxels) / medianVoxels < 0.25 {
            let coarsest = lowSpacing.max()!
            let finer = lowSpacing.map { coarsest / $0 > 2 }
            lowSpacing = zip(lowSpacing, finer).map { $1 || !finer.contains(true) ? $0 * 1.03 : $0 }
            let shape = (0..<3).map { spacing[$0] / lowSpacing[$0] * median[$0] }
            medianVoxels = shape.reduce(1, *)
            let configuration = context.configuration(
                "3d_lowres", spacing: lowSpacing, median: shape.map { $0.rounded(.toNearestOrEven) },
                voxels: medianVoxels * Double(dataset.numTraining))
            patchVoxels = configuration.patchSize.reduce(1, *)
            low = configuration
        }
        return median.reduce(1, *) / medianVoxels < 2 ? nil : low
    }
}

/// NumPy's `percentile` with linear interpolation.
func quantile(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    let position = Double(sorted.count - 1) * share
    let lower = Int(position)
    let fraction = position - Double(lower)
    guard fraction > 0 else { return sorted[lower] }
    // NumPy interpolates from the nearer end.
    let difference = sorted[lower + 1] - sorted[lower]
    return fraction >= 0.5 ? sorted[lower + 1] - difference * (1 - fraction) : sorted[lower] + difference * fraction
}

func roundedHalfEven(_ value: Double) -> Double { value.rounded(.toNearestOrEven) }
