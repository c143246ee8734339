/// A weight: its name in the state dict, and its elements.
public struct NamedTensor: Sendable, Equatable {
    public var name: String
    public var array: NumericArray

    public init(name: String, array: NumericArray) {
        self.name = name
        self.array = array
    }
}

/// The names of an nnU-Net state dict.
///
/// nnU-Net's modules hold one another under several names, so one tensor stands in the state dict under up to four: a
/// convolution as `conv` and `all_modules.0`, a norm as `norm` and `all_modules.1`, and the whole encoder once more in
/// `decoder.encoder`. The canonical name is the first of them.
public enum StateDictName {
    /// The name under which Cohort keeps a tensor: without the prefixes of wrapped modules, and of an alias the first.
    public static func canonical(_ name: String) -> String {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false)
        // Left by data-parallel and compiled modules.
        while let first = parts.first, first == "module" || first == "_orig_mod" { parts.removeFirst() }
        if parts.count > 2, parts[0] == "decoder", parts[1] == "encoder" { parts.removeFirst() }
        if let position = parts.firstIndex(of: "all_modules"), position + 1 < parts.count,
            let index = Int(parts[position + 1])
        {
            parts.replaceSubrange(position...position + 1, with: [index == 0 ? "conv" : "norm"])
        }
        return parts.joined(separator: ".")
    }

    /// Every name of an nnU-Net U-Net's state dict with the canonical name of its tensor, in the order of PyTorch's.
    /// - Parameter names: canonical names, in the order of the network's parameters.
    public static func expanded(_ names: [String]) -> [(name: String, canonical: String)] {
        let encoder = expandedModules(names.filter { $0.hasPrefix("encoder.") })
        let rest = expandedModules(names.filter { !$0.hasPrefix("encoder.") })
        return encoder + encoder.map { ("decoder." + $0.name, $0.canonical) } + rest
    }

    /// After a block's `conv` and `norm`, the same again in its `all_modules`.
    private static func expandedModules(_ names: [String]) -> [(name: String, canonical: String)] {
        var result: [(name: String, canonical: String)] = []
        var aliases: [(name: String, canonical: String)] = []
        var block: String?
        for name in names {
            let parts = name.split(separator: ".")
            var owner: String?
            var alias: String?
            if parts.count >= 3, parts[parts.count - 2] == "conv" || parts[parts.count - 2] == "norm" {
                let prefix = parts.dropLast(2).joined(separator: ".")
                owner = prefix
                alias = "\(prefix).all_modules.\(parts[parts.count - 2] == "conv" ? 0 : 1).\(parts[parts.count - 1])"
            }
            if owner != block {
                result += aliases
                aliases = []
                block = owner
            }
            result.append((name, name))
            if let alias { aliases.append((alias, name)) }
        }
        return result + aliases
    }
}
