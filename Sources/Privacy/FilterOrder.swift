/// What a filter does to an update, as far as its place among others goes.
public enum FilterKind: String, Sendable, CaseIterable, Codable {
    /// Stops updates of some kinds.
    case blocker
    /// Keeps tensors at the site.
    case exclude
    /// Zeroes and clips; adds no noise.
    case percentile
    /// Clips and adds noise: the sparse vector technique, Gaussian and Laplace noise.
    case noise
    /// Sends the largest values alone.
    case sparsify
    /// Sends values in fewer bits.
    case quantise
    /// Makes an update unreadable for who is not to read it: masks and encryption.
    case seal

    /// Filters of a lower step come first.
    fileprivate var step: Int {
        switch self {
        case .blocker, .exclude: 0
        case .percentile, .noise: 1
        case .sparsify: 2
        case .quantise: 3
        case .seal: 4
        }
    }

    /// Whether a second one finds nothing that it could read.
    fileprivate var standsAlone: Bool { step >= 2 }
}

/// The order of filters that is sound.
public enum FilterOrder {
    /// Checks filters in the order in which a site applies them.
    ///
    /// Noise must come before sparsifying: what is chosen by its size tells of the data, unless it was chosen from noisy values.
    /// Quantising comes after, since neither noise nor choice work on codes. Sealing is last: nothing reads a sealed update.
    ///
    /// - Throws: `PrivacyError.setting`, which names two filters that stand in the wrong order, and the right order of all.
    public static func check(_ kinds: [FilterKind]) throws {
        for (first, second) in zip(kinds, kinds.dropFirst()) {
            if second.step < first.step {
                // Stable: kinds of one step stay as they are.
                let right = kinds.enumerated().sorted { ($0.element.step, $0.offset) < ($1.element.step, $1.offset) }
                throw PrivacyError.setting(
                    "The filter \(second.rawValue) comes after \(first.rawValue), and must come before it. The right order "
                        + "is: \(right.map(\.element.rawValue).joined(separator: ", ")).")
            }
            if first == second, first.standsAlone {
                throw PrivacyError.setting("The filter \(first.rawValue) is there twice; keep one.")
            }
        }
    }
}
