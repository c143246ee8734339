import Federation
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RunFile.Strategy.Filter {
    /// The filter itself.
    ///
    /// - Parameter folder: at a site, for what is left out of this run's updates; a server needs none.
    /// - Throws: `PrivacyError.setting`; not after a `check`.
    public func filter(folder: URL?) throws -> any UpdateFilter {
        switch self {
        case .halfPrecision: HalfPrecision()
        case .sparseVector(let settings): try SparseVector(settings)
        case .percentile(let settings): try Percentile(settings)
        case .exclude(let settings): try Exclude(settings)
        case .block(let content): try Blocker(Blocker.Settings([content]))
        case .topK(let settings): try TopK(settings, folder: folder)
        case .quantise(let settings): Quantise(settings, folder: folder)
        }
    }

    /// By which a run file names it.
    public var word: String {
        switch self {
        case .halfPrecision: "half-precision"
        case .sparseVector: "svt"
        case .percentile: "percentile"
        case .exclude: "exclude"
        case .block: "block"
        case .topK: "top_k"
        case .quantise: "quantise"
        }
    }

    /// For its place among others.
    var kind: FilterKind {
        switch self {
        case .halfPrecision, .quantise: .quantise
        case .sparseVector: .noise
        case .percentile: .percentile
        case .exclude: .exclude
        case .block: .blocker
        case .topK: .sparsify
        }
    }

    /// Whether whole weights would be spoilt by it.
    var needsDifferences: Bool {
        switch self {
        case .sparseVector, .percentile, .exclude, .topK: true
        case .halfPrecision, .block, .quantise: false
        }
    }

    /// Whether what comes out has the tensors, shapes and types that went in.
    var leavesFormAlone: Bool {
        switch self {
        case .sparseVector, .percentile, .block: true
        case .halfPrecision, .exclude, .topK, .quantise: false
        }
    }
}
