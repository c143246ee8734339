import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RunFile {
    /// Sites that are made of one dataset.
    public struct Split: Sendable, Equatable {
        /// A number or a name.
        public var dataset: String
        /// How many; nil where a table says who has which case.
        public var sites: Int?
        public var rule = Rule.equal
        /// Cases that nobody trains on.
        public var test = DatasetSplit.HeldOut.count(0)
        /// The same seed gives the same sites.
        public var seed: UInt32 = 1
        /// Of every site.
        public var fold = Fold.number(0)
        /// The number of the first site's dataset.
        public var firstID = 301
        /// Threads of every site's network on a CPU; nil for a share of the cores.
        public var threads: Int?

        public init(dataset: String, sites: Int? = nil, by rule: Rule = .equal) {
            self.dataset = dataset
            self.sites = sites
            self.rule = rule
        }

        public enum Rule: Sendable, Equatable {
            case equal
            /// Sizes drawn from a symmetric Dirichlet distribution.
            case dirichlet(alpha: Double)
            /// A table with columns `case` and `site`.
            case column(String)
        }

        /// The rule, with the table read.
        ///
        /// - Throws: `NNUNetError` where the table cannot be read, or the number of sites is missing; not after a `check`.
        public func makeRule() throws -> DatasetSplit.Rule {
            if case .column(let file) = rule { return .table(try SiteTable(contentsOf: URL(filePath: file))) }
            guard let sites else { throw NNUNetError.plan("A split needs a number of sites: write split.sites.") }
            if case .dirichlet(let alpha) = rule { return .dirichlet(sites: sites, alpha: alpha) }
            return .equal(sites: sites)
        }

        var siteCount: Int? { if case .column = rule { nil } else { sites } }

        var siteNames: [String]? { siteCount.map { $0 < 1 ? [] : (1...$0).map { "site\($0)" } } }
    }
}

extension RunFile.Split: YAMLSection {
    init() { self.init(dataset: "") }

    static let keys: [YAMLKey<Self>] = [
        YAMLKey(
            "dataset", \.dataset, .notEmpty, form: "a dataset's number or name, such as 4 or Dataset004_Hippocampus",
            required: true),
        YAMLKey("sites", \.sites, .atLeast(1)),
        YAMLKey("by", \.rule),
        YAMLKey(
            "test", \.test,
            ValueRule("a number of cases, or a share such as 20% or 0.2") {
                switch $0 {
                case .count(let count): count >= 0
                case .share(let share): share > 0 && share < 1
                }
            }),
        YAMLKey("seed", \.seed),
        YAMLKey(
            "fold", \.fold, ValueRule("0 to 4, or all-cases") { $0 == .all || (0...4).map(Fold.number).contains($0) }),
        YAMLKey("first_id", \.firstID, .within(1...999)),
        YAMLKey("threads", \.threads, .atLeast(1)),
    ]
}

extension RunFile.Split.Rule: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("equal", .equal),
        .word(
            "dirichlet", example: "0.5",
            ValueRule<Double>("0.001 (very unequal) to 1000000 (equal)") { (0.001...1e6).contains($0) },
            make: { .dirichlet(alpha: $0) }, value: { if case .dirichlet(let alpha) = $0 { alpha } else { nil } }),
        .word(
            "column", example: "sites.csv", ValueRule<String>.notEmpty,
            make: { .column($0) }, value: { if case .column(let file) = $0 { file } else { nil } }),
    ]
}

extension DatasetSplit.HeldOut: YAMLScalar {
    static var form: String { "a number of cases, or a share such as 20% or 0.2" }

    init?(scalar: String) {
        if let count = Int(scalar) {
            self = .count(count)
        } else if scalar.hasSuffix("%"), let percent = Double(scalar: String(scalar.dropLast())) {
            self = .share(percent / 100)
        } else if let share = Double(scalar: scalar) {
            self = .share(share)
        } else {
            return nil
        }
    }

    var scalar: String {
        switch self {
        case .count(let count): String(count)
        case .share(let share): String(share)
        }
    }
}
