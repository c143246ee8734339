/// How a segmentation of one class agrees with the reference, in nnU-Net's figures and two of the surface.
public struct SegmentationMetrics: Sendable, Equatable {
    public var truePositives, falsePositives, falseNegatives, trueNegatives: Int
    /// 95th percentile of the surface distances in millimetres; NaN where the class is in neither image, infinite where
    /// it is in one; none where it was not computed.
    public var hausdorff95: Double?
    /// Share of the surfaces within the tolerance; NaN where the class is in neither image, 0 where it is in one.
    public var surfaceDice: Double?

    public init(
        truePositives: Int, falsePositives: Int, falseNegatives: Int, trueNegatives: Int, hausdorff95: Double? = nil,
        surfaceDice: Double? = nil
    ) {
        self.truePositives = truePositives
        self.falsePositives = falsePositives
        self.falseNegatives = falseNegatives
        self.trueNegatives = trueNegatives
        self.hausdorff95 = hausdorff95
        self.surfaceDice = surfaceDice
    }

    /// NaN where the class is in neither image.
    public var dice: Double {
        Double(2 * truePositives) / Double(2 * truePositives + falsePositives + falseNegatives)
    }

    /// Intersection over union; NaN where the class is in neither image.
    public var iou: Double { Double(truePositives) / Double(truePositives + falsePositives + falseNegatives) }

    /// nnU-Net's keys with their values, whole numbers as such.
    public var fields: [(key: String, value: JSONValue)] {
        var fields: [(key: String, value: JSONValue)] = [
            ("Dice", .number(dice)), ("FN", .integer(falseNegatives)), ("FP", .integer(falsePositives)),
            ("IoU", .number(iou)), ("TN", .integer(trueNegatives)), ("TP", .integer(truePositives)),
            ("n_pred", .integer(falsePositives + truePositives)), ("n_ref", .integer(falseNegatives + truePositives)),
        ]
        if let hausdorff95 { fields.append(("HD95", .number(hausdorff95))) }
        if let surfaceDice { fields.append(("NSD", .number(surfaceDice))) }
        return fields
    }
}
