import Federation

/// Where the patches of a training come from that bounds every record's part in it.
///
/// A record's patches follow from the record, the step and the seed, and from no other record: else one more record would
/// change the patches of all, which no clipping bounds.
public protocol RecordSource: Sendable {
    /// What identifies the records; their numbers are their places here.
    var records: [String] { get }
    /// Patches of one record, always as many.
    func patches(of record: Int, step: Int) throws -> TrainingBatch
    /// Tells which records will be asked for in a step, in this order, so that their patches may be made ahead.
    func prepare(_ records: [Int], step: Int)
}

extension RecordSource {
    public func prepare(_ records: [Int], step: Int) {}
}

/// What a training learns from.
public enum TrainingSource: Sendable {
    case batches(any BatchSource)
    /// Records one by one, by DP-SGD.
    case records(any RecordSource, any GradientPrivacy)
}
