/// Which tensors leave a site, and with whom they are averaged.
public struct Sharing: Sendable, Equatable, Codable {
    public enum Mode: String, Sendable, Codable, CaseIterable {
        case everything
        /// All but the input convolution and the heads.
        case backbone
        /// FedBN: all but what normalises; Li et al. 2021, arXiv:2102.07623.
        case allButNormalisation = "all-but-normalisation"
    }

    public var mode: Mode
    /// More tensors that stay with sites: parts of names; `*` stands for any letters.
    public var localPatterns: [String]
    /// Input convolutions and heads that the backbone leaves out are averaged among sites of equal channels and labels.
    public var averagesWithinKind: Bool

    public init(_ mode: Mode = .everything, localPatterns: [String] = [], averagesWithinKind: Bool = true) {
        self.mode = mode
        self.localPatterns = localPatterns
        self.averagesWithinKind = averagesWithinKind
    }

    enum Circle: Hashable {
        case allSites
        case sitesOfKind(String)
    }

    /// With whom a site shares a tensor; nil where it stays at home.
    func circle(of role: TensorRole, kind: String) -> Circle? {
        if localPatterns.contains(where: { Self.matches($0, role.tensor.name) }) { return nil }
        switch mode {
        case .everything: return .allSites
        case .allButNormalisation: return role.isNormalisation ? nil : .allSites
        case .backbone:
            if role.part == .backbone { return .allSites }
            return averagesWithinKind ? .sitesOfKind(kind) : nil
        }
    }

    /// Whether a pattern occurs in a name.
    static func matches(_ pattern: String, _ name: String) -> Bool {
        var rest = name[...]
        for piece in pattern.split(separator: "*") {
            guard let found = rest.firstRange(of: String(piece)) else { return false }
            rest = rest[found.upperBound...]
        }
        return true
    }
}
