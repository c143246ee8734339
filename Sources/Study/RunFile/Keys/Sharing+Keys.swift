import Federation

extension Sharing: YAMLSection {
    init() { self.init(.everything) }

    static let keys: [YAMLKey<Self>] = [
        YAMLKey("mode", \.mode),
        YAMLKey(
            "keep_local", \.localPatterns, ValueRule("patterns that are not empty") { !$0.contains("") },
            form: "a list of patterns, such as [\"*.transpconvs.*\"]"),
        YAMLKey("average_within_kind", \.averagesWithinKind),
    ]
}

extension Sharing.Mode: YAMLWord {}
