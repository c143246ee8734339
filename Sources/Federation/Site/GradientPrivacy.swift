/// How a learner bounds what any one record changes in what it sends: DP-SGD (Abadi et al. 2016).
///
/// In each step every record takes part by chance, each by itself (`sample`). The gradient of each record that does, all its
/// crops together, is scaled down to `clippingNorm` in L2 over all trained tensors; these are added up, `addNoise` is called on
/// the sum, and the sum is divided by `expectedBatch`, whoever took part. A step without a record makes noise all the same.
/// Who knows how much noise that takes, and what it has cost, stands behind this protocol; the learner only does as it says.
public protocol GradientPrivacy: Sendable {
    /// The largest L2 norm of one record's gradient.
    var clippingNorm: Double { get }
    /// How many records take part in a step on average: the constant in the denominator.
    var expectedBatch: Double { get }
    /// Books steps before the first of them is made. They are spent then, whatever becomes of the training.
    ///
    /// - Parameter records: what identifies the records (cases, or patients where a column names them). They do not leave
    ///   the site.
    /// - Throws: where they would cost more than the site allows: then nothing was booked, and nothing may be trained.
    func book(steps: Int, round: Int, records: [String]) async throws
    /// The records that take part in the next step, ascending; often none.
    func sample(of records: Int) -> [Int]
    /// Adds the noise of one step to some of the sum's values. Every value once a step.
    func addNoise(to values: UnsafeMutableBufferPointer<Float>)
}
