/// How updates are summed without being seen.
public struct SecureSumSettings: Sendable, Equatable {
    public enum Form: String, Sendable, Codable, CaseIterable {
        /// Every value under masks that sites make in pairs: 4 bytes a value; SecAgg+, Bell et al. 2020.
        case masks
        /// Every value under a lattice mask, of which only the short secrets are summed under pairs' masks: 6.75 bytes a
        /// value, and the work of a site does not grow with the number of its neighbours.
        case lattice
    }

    public var form = Form.masks
    /// Values of float tensors beyond ±this are cut off at the site.
    public var clippingRange = 8.0
    /// The largest share of an update's values that may be cut; more, and the site sends nothing.
    public var mostClipped = 0.0
    /// With how many others each site makes masks: all, where there are no more. Even, and at least 2.
    public var neighbours = 100
    /// More than this share of the holders of a secret (a site's neighbours and itself) must help to open a sum.
    ///
    /// Of n holders t must help. A server that tells sites different things gets both secrets of a site where c of its n
    /// holders help it, and tell both, and the others are told half and half: from c = 2t − n on. At 2/3 that is a third of
    /// them (Bonawitz et al. 2017, section 6.2); at 1/2 more may drop out, and one or two helpers are enough.
    public var threshold = 2.0 / 3
    /// The largest share of the weight that one site may have in a sum: at two thirds, the others are half as much as it.
    public var largestShare = 2.0 / 3
    /// Sums over two sites: each learns the other's update by taking its own away.
    public var allowsTwoSites = false
    /// Sites without whose noise a sum is not opened, where each adds a part of it; 0 where none does.
    public var noisySites = 0
    /// Updates without which no round is opened: the run's own minimum, which sites hold the server to.
    public var leastUpdates = 0
    /// Whether training figures go along, which the server sees of each site.
    public var sendsMetrics = false

    public init() {}

    /// Sites without which the sum of no tensor is opened.
    public var fewestSites: Int { max(fewestHiding, noisySites) }

    /// Of these, sites that weigh enough to hide others.
    var fewestHiding: Int { allowsTwoSites ? 2 : 3 }

    /// What a sum protects, and what not, for people to read.
    public var protection: String {
        "The server learns the weighted mean of the sites' updates and none of them by itself. It learns who took part, what "
            + "each weighs (by default its number of training cases), and what the mean tells; a mean without noise can tell of a record. "
            + (allowsTwoSites
                ? "With two sites there is no protection between them: each learns the other's update by taking its own away."
                : "Sites that work together against one see its update where they are all the others.")
    }

    /// - Throws: `PrivacyError.setting`.
    public func validate() throws {
        func require(_ condition: Bool, _ text: String) throws {
            if !condition { throw PrivacyError.setting(text) }
        }
        try require(
            clippingRange > 0 && clippingRange.isFinite, "The clipping range must be above 0, not \(clippingRange).")
        try require(
            largestShare > 0 && largestShare <= 1,
            "The largest share of one site lies above 0 and up to 1, not at \(largestShare).")
        try require(
            (0...1).contains(mostClipped), "The share of values that may be cut lies in 0 to 1, not at \(mostClipped).")
        try require(
            neighbours >= 2 && neighbours <= 254 && neighbours % 2 == 0,
            "A site makes masks with an even number of others, 2 to 254, not with \(neighbours).")
        try require(
            threshold >= 0.5 && threshold < 1,
            "More than a share of 0.5 up to below 1 must help to open a sum, not more than \(threshold): fewer could be asked for both secrets of a site."
        )
    }

    /// How many of a secret's holders must help.
    func shares(of holders: Int) -> Int { min(holders, Int((threshold * Double(holders)).rounded(.down)) + 1) }

    /// What all sites must have alike, as text.
    var agreement: String {
        "\(form.rawValue) \(clippingRange) \(neighbours) \(threshold) \(fewestSites) \(leastUpdates)"
    }
}
