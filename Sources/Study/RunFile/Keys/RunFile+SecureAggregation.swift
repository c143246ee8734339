import Federation
import Privacy

extension RunFile {
    /// Whether the server sees single updates, or their weighted mean alone.
    public enum SecureAggregation: Sendable, Equatable {
        case plain
        /// Under masks that cancel in the sum.
        case sum(SecureSumSettings)
        /// Under a key that the sites share and the server does not have, as in FLARE.
        case ckks(CKKS)

        /// FLARE's arguments of its HE builder, under its names; by default the smaller ones that a sum needs.
        public struct CKKS: Sendable, Equatable {
            public enum Scheme: String, Sendable, CaseIterable { case ckks = "CKKS" }

            public var scheme = Scheme.ckks
            public var degree = CKKSParameters.additive.degree
            public var coefficientBits = CKKSParameters.additive.coefficientBits
            public var scaleBits = CKKSParameters.additive.scaleBits
            public var allowsTwoSites = false

            public init() {}

            /// - Throws: `PrivacyError.setting`.
            public func parameters() throws -> CKKSParameters {
                try CKKSParameters(degree: degree, coefficientBits: coefficientBits, scaleBits: scaleBits)
            }
        }

        /// Sites without whose updates nothing is opened.
        public var fewestSites: Int {
            switch self {
            case .plain: 1
            case .sum(let settings): settings.fewestSites
            case .ckks(let settings): settings.allowsTwoSites ? 2 : 3
            }
        }

        /// Whether sites share a key.
        public var needsKey: Bool { if case .ckks = self { true } else { false } }

        /// As people call it.
        public var title: String {
            switch self {
            case .plain: "none"
            case .sum(let settings):
                settings.form == .masks ? "secure sums under masks" : "secure sums under lattice masks"
            case .ckks: "sums under CKKS"
            }
        }
    }
}

extension RunFile.SecureAggregation: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("none", .plain), masked("masks", .masks), masked("lattice", .lattice),
        .word(
            "ckks", example: "{poly_modulus_degree: 8192, coeff_mod_bit_sizes: [60, 40, 40], scale_bits: 40}",
            make: { .ckks($0) }, value: { if case .ckks(let settings) = $0 { settings } else { nil } }),
    ]

    private static func masked(_ word: String, _ form: SecureSumSettings.Form) -> YAMLOption<Self> {
        .word(
            word, example: "{clipping_range: 8, allow_two_sites: false}",
            make: { (settings: SecureSumSettings) in
                var settings = settings
                settings.form = form
                return .sum(settings)
            },
            value: { if case .sum(let settings) = $0, settings.form == form { settings } else { nil } })
    }
}

extension SecureSumSettings: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("clipping_range", \.clippingRange, .above(0)),
        YAMLKey("most_clipped", \.mostClipped, .within(0...1)),
        YAMLKey("neighbours", \.neighbours),
        YAMLKey("threshold", \.threshold),
        YAMLKey("largest_share", \.largestShare),
        YAMLKey("allow_two_sites", \.allowsTwoSites),
        YAMLKey("send_metrics", \.sendsMetrics),
    ]

    func check(at path: String, _ reading: inout Reading) { check(at: path, &reading, together: validate) }
}

extension RunFile.SecureAggregation.CKKS: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("scheme", \.scheme),
        YAMLKey("poly_modulus_degree", \.degree),
        YAMLKey("coeff_mod_bit_sizes", \.coefficientBits, form: "a list of bits, such as [60, 40, 40]"),
        YAMLKey("scale_bits", \.scaleBits),
        YAMLKey("allow_two_sites", \.allowsTwoSites),
    ]

    func check(at path: String, _ reading: inout Reading) {
        check(at: path, &reading, together: { _ = try parameters() })
    }
}

extension RunFile.SecureAggregation.CKKS.Scheme: YAMLWord {}
