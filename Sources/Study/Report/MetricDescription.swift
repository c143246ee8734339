import Federation

/// How a metric is called, and how it is read.
public struct MetricDescription: Sendable, Equatable {
    /// The key in records and matrices: "dice".
    public var name: String
    /// What people read: "Dice".
    public var title: String
    /// Such as "mm"; empty where there is none.
    public var unit: String
    public var decimals: Int
    public var higherIsBetter: Bool

    public init(name: String, title: String, unit: String = "", decimals: Int = 3, higherIsBetter: Bool = true) {
        self.name = name
        self.title = title
        self.unit = unit
        self.decimals = decimals
        self.higherIsBetter = higherIsBetter
    }

    public static let dice = MetricDescription(name: "dice", title: "Dice")
    public static let hd95 = MetricDescription(
        name: "hd95", title: "HD95", unit: "mm", decimals: 1, higherIsBetter: false)

    /// The metric that a run's best model is chosen by.
    init(_ judgement: ModelJudgement) {
        self =
            judgement.metric == "dice"
            ? .dice
            : MetricDescription(
                name: judgement.metric, title: judgement.metric, higherIsBetter: judgement.direction == .higher)
    }

    func text(_ value: Double) -> String { Quantity.decimal(value, decimals) }

    /// The place of the best value; nil where none is a number.
    func best(_ values: [Double]) -> Int? {
        let finite = values.indices.filter { values[$0].isFinite }
        return higherIsBetter ? finite.max { values[$0] < values[$1] } : finite.min { values[$0] < values[$1] }
    }
}
