import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site tells the server of its own failure: no name of a case, and no path.
///
/// Only errors that are known to speak of settings keep their words, and lose them where a case or a path is in them after
/// all. The site's log has everything.
struct SiteFailure {
    static let untold = "The site's work failed; its log says why."

    let reason: String

    init(_ error: any Error, at site: NNUNetSite) {
        let words =
            switch error {
            case let error as NNUNetError: error.withoutCases
            case let error as LearningError where error.namesNoCase: "\(error)"
            case FederationError.site(let reason), FederationError.incompatibleSites(let reason): reason
            case FederationError.policy: "\(error)"
            default: Self.untold
            }
        let isSafe =
            !words.contains("/") && !words.contains("\\") && !Self.cases(of: site).contains(where: words.contains)
        reason = isSafe ? words : Self.untold
    }

    /// The names of all cases that the site has, as far as they can be read.
    private static func cases(of site: NNUNetSite) -> [String] {
        let raw = try? RawDataset(folder: site.folders.raw.appending(path: site.dataset))
        let tests = (try? raw?.testCases()) ?? []
        return ((raw?.cases ?? []) + tests).map(\.identifier)
    }
}

extension LearningError {
    /// Whether its text speaks of settings and numbers alone.
    fileprivate var namesNoCase: Bool {
        switch self {
        case .unknownTrainer, .unknownConfiguration, .patchDoesNotFit, .stepSizeOutOfRange, .invalidSetting,
            .lossNotFinite, .notSupported, .cancelled:
            true
        case .foreignCheckpoint(let file, _): file == "the server's model"
        case .predictionNotFinite, .noCheckpoint, .noCases, .unreadable, .casesOfTheSplitAreMissing: false
        }
    }
}

extension NNUNetError {
    /// The same without names of cases and paths.
    fileprivate var withoutCases: String {
        switch self {
        case .plan(let reason): reason
        case .file, .json, .key: "A file of the site's dataset or plans cannot be used; its log says which."
        case .dataset: "The site's dataset has faults; its log lists them."
        case .badCase: "A case of the site cannot be used; its log says which and why."
        case .site(let site, let reason): "\(site): \(reason)"
        }
    }
}
