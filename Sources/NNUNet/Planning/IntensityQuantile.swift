/// The quantiles of a fingerprint. The p-quantile is the smallest value whose share, summed from below, reaches p.
///
/// Shares are whole numbers of 2⁻⁴⁰ of a case. Their sums are exact in any order, so that one computer that has all cases
/// and many sites that merge their histograms find the same value.
public enum IntensityQuantile: Int, CaseIterable, Sendable {
    case percentile005, median, percentile995

    /// What all values of one case come to.
    static let wholeCase: Int64 = 1 << 40

    private var perMille: Int64 {
        switch self {
        case .percentile005: 5
        case .median: 500
        case .percentile995: 995
        }
    }

    /// The share that reaches the quantile of so many cases.
    ///
    /// A case's share up to a value is rounded by half a unit at most; less one unit a case, a sum that truly reaches p does so
    /// rounded, too.
    func share(cases: Int) -> Int64 { Int64(cases) * (perMille * Self.wholeCase / 1000 - 1) }
}
