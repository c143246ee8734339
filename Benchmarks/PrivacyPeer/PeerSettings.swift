import Federation
import Foundation
import Privacy

/// Settings of all filters, under FLARE's names where it has them.
struct PeerSettings: Decodable {
    var steps: Int?
    var seed: UInt64?
    var form: SparseVector.Form?
    var fraction: Double?
    var epsilon: Double?
    var noise_var: Double?
    var gamma: Double?
    var tau: Double?
    var replace: Bool?
    var epsilon_threshold: Double?
    var epsilon_query: Double?
    var epsilon_release: Double?
    var percentile: Double?
    var values: TopK.Settings.Values?
    var bits: Quantise.Settings.Width?
    /// Where what is left out is kept; without it nothing is fed back.
    var folder: String?

    func filter(_ name: String) throws -> any UpdateFilter {
        let folder = folder.map { URL(fileURLWithPath: $0) }
        switch name {
        case "sparse-vector":
            var settings = SparseVector.Settings()
            settings.form = form ?? settings.form
            settings.fraction = fraction ?? settings.fraction
            settings.epsilon = epsilon ?? settings.epsilon
            settings.noiseVariance = noise_var ?? settings.noiseVariance
            settings.gamma = gamma ?? settings.gamma
            settings.tau = tau ?? settings.tau
            settings.replace = replace ?? settings.replace
            settings.epsilonThreshold = epsilon_threshold
            settings.epsilonQuery = epsilon_query
            settings.epsilonRelease = epsilon_release
            return try SparseVector(settings, randomness: seed.map { .seeded($0) } ?? .secure)
        case "percentile":
            var settings = Percentile.Settings()
            settings.percentile = percentile ?? settings.percentile
            settings.gamma = gamma ?? settings.gamma
            return try Percentile(settings)
        case "top-k":
            var settings = TopK.Settings()
            settings.fraction = fraction ?? settings.fraction
            settings.values = values ?? settings.values
            settings.feedsBack = folder != nil
            return try TopK(settings, folder: folder)
        case "quantise":
            var settings = Quantise.Settings()
            settings.width = bits ?? settings.width
            settings.feedsBack = folder != nil
            return Quantise(settings, folder: folder)
        default: throw PrivacyError.setting("There is no filter called \(name) here.")
        }
    }
}
