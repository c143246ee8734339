/// The cases of one dataset divided among sites, for a federation that is only simulated.
public struct DatasetSplit: Sendable, Equatable {
    public enum Rule: Sendable, Equatable {
        /// Sites of one size, give or take a case.
        case equal(sites: Int)
        /// Sizes in proportions that a symmetric Dirichlet distribution draws (quantity skew: Li et al. 2021,
        /// arXiv:2102.02079): 100 is nearly equal, 0.1 leaves most cases to one or two sites.
        case dirichlet(sites: Int, alpha: Double)
        /// As a table says.
        case table(SiteTable)
    }

    /// Cases that no site trains on.
    public enum HeldOut: Sendable, Equatable {
        case count(Int)
        /// Between 0 and 1.
        case share(Double)
    }

    public struct Site: Sendable, Equatable {
        public var name: String
        /// Sorted.
        public var cases: [String]
    }

    public let sites: [Site]
    /// Sorted; the common test set. It depends on the seed alone, unless a table leaves a site too few cases for it.
    public let heldOut: [String]

    /// - Throws: `NNUNetError.plan` where not every site gets a case.
    public init(of identifiers: [String], _ rule: Rule, heldOut: HeldOut = .count(0), seed: UInt32) throws {
        let cases = identifiers.sorted()
        let siteOfCase: [String: String]
        let siteCount: Int
        switch rule {
        case .equal(let sites):
            (siteOfCase, siteCount) = ([:], sites)
        case .dirichlet(let sites, let alpha):
            guard (0.001...1_000_000).contains(alpha) else {
                throw NNUNetError.plan(
                    "A skew of \(alpha) cannot be drawn. Give a number from 0.001 (one site has nearly all) to 1000000 (equal)."
                )
            }
            (siteOfCase, siteCount) = ([:], sites)
        case .table(let table):
            siteOfCase = try table.sites(of: cases)
            siteCount = Set(siteOfCase.values).count
        }
        guard siteCount >= 1 else { throw NNUNetError.plan("A dataset is divided among at least 1 site.") }
        let wanted = try Self.count(heldOut, of: cases.count)
        guard cases.count - wanted >= siteCount else {
            throw NNUNetError.plan(
                "\(siteCount) sites need \(siteCount) cases or more: there are \(cases.count), and \(wanted) are kept apart for testing. Take fewer sites or test cases."
            )
        }
        var random = LegacyRandomState(seed: seed)
        let order = random.permutation(cases.count).map { cases[$0] }

        if case .table = rule {
            var left = Dictionary(siteOfCase.values.map { ($0, 1) }, uniquingKeysWith: +)
            var tests: [String] = []
            for identifier in order where tests.count < wanted && left[siteOfCase[identifier]!]! > 1 {
                left[siteOfCase[identifier]!]! -= 1
                tests.append(identifier)
            }
            self.heldOut = tests.sorted()
            let kept = Set(cases).subtracting(tests)
            sites = SiteTable.ordered(Set(siteOfCase.values)).map { name in
                Site(name: name, cases: cases.filter { kept.contains($0) && siteOfCase[$0] == name })
            }
            return
        }
        self.heldOut = order.prefix(wanted).sorted()
        let sizes: [Int]
        if case .dirichlet(_, let alpha) = rule {
            var draws = SplitMix64(seed: UInt64(seed) &* 0x9e37_79b9 &+ 41)
            sizes = Self.sizes(
                cases.count - wanted, in: Self.proportions(siteCount, alpha: alpha, &draws))
        } else {
            let rest = cases.count - wanted
            sizes = (0..<siteCount).map { rest / siteCount + ($0 < rest % siteCount ? 1 : 0) }
        }
        var start = wanted
        sites = sizes.enumerated().map { index, size in
            defer { start += size }
            return Site(name: "site\(index + 1)", cases: order[start..<start + size].sorted())
        }
    }

    private static func count(_ heldOut: HeldOut, of cases: Int) throws -> Int {
        switch heldOut {
        case .count(let count):
            guard count >= 0 else { throw NNUNetError.plan("\(count) cases cannot be kept apart for testing.") }
            return count
        case .share(let share):
            guard share > 0, share < 1 else {
                throw NNUNetError.plan(
                    "A share of \(share) cannot be kept apart for testing. Give one between 0 and 1, or a number of cases."
                )
            }
            return max(1, Int((share * Double(cases)).rounded()))
        }
    }
}
