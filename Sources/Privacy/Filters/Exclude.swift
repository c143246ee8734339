import Federation

/// Keeps some tensors at the site, by name or by pattern; FLARE's `ExcludeVars`.
///
/// The server takes their difference to be 0: what no site sends stays as it is in the model, and where only some keep a tensor
/// back, the others' change of it is damped. Tensors that no site shall ever share are better left out of the sharing.
public struct Exclude: UpdateFilter {
    public let name = "exclude"
    public let settings: Settings

    public struct Settings: Sendable, Equatable {
        /// Tensors by their whole names.
        public var names: [String]
        /// A regular expression, which may fit anywhere in a name.
        public var pattern: String?

        public init(names: [String] = [], pattern: String? = nil) {
            self.names = names
            self.pattern = pattern
        }

        /// - Throws: `PrivacyError.setting`.
        public func validate() throws {
            guard !names.isEmpty || pattern?.isEmpty == false else {
                throw PrivacyError.setting(
                    "The filter exclude names no tensor. Give names or a pattern, or leave it out.")
            }
            if let pattern, (try? Regex(pattern)) == nil {
                throw PrivacyError.setting("The filter exclude: \(pattern) is no regular expression. Mend it.")
            }
        }
    }

    /// - Throws: `PrivacyError.setting`.
    public init(_ settings: Settings) throws {
        try settings.validate()
        self.settings = settings
    }

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try update.requireDifference(name, "has no whole weights to put in a tensor's place")
        try update.requireNoParts(of: name)
        let all = update.tensors.descriptions
        let regex = try settings.pattern.map { try Regex($0) }
        let names = Set(settings.names)
        func isExcluded(_ tensor: TensorDescription) -> Bool {
            names.contains(tensor.name) || regex.map { tensor.name.firstMatch(of: $0) != nil } == true
        }
        let excluded = all.filter(isExcluded)
        if let odd = excluded.first(where: { $0.type != .float32 || $0.shape.isEmpty }) {
            throw PrivacyError.refused(
                "\(odd.name) is sent whole and not as a difference, so that the server cannot do without it. Leave it out "
                    + "of the sharing instead of excluding it.")
        }
        let unknown = settings.names.filter { name in !all.contains { $0.name == name } }
        guard unknown.isEmpty, !excluded.isEmpty else {
            let what = unknown.isEmpty ? "fits the pattern \(settings.pattern ?? "")" : "is called \(unknown[0])"
            throw PrivacyError.refused(
                "No tensor of the update \(what), which the filter \(name) shall keep back. Is it misspelt?")
        }
        let source = update.tensors
        var tensors = Weights(try all.indices.filter { !isExcluded(all[$0]) }.map { try source.tensor($0) })
        tensors.set(try TensorLayout(excluded, Facts()).tensor(partName("layout", of: name)))
        var update = update
        update.tensors = tensors
        return update
    }

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        var update = update
        let layout = try TensorLayout<Facts>(of: name, in: update.tensors)
        guard update.content == .difference else { throw PrivacyError.malformed(name, "it holds whole weights") }
        update.tensors = Zeros(
            decoded: layout.descriptions, source: update.tensors,
            others: try update.tensors.besides(name, layout.descriptions, parts: 1))
        return update
    }

    private struct Facts: Codable, Sendable {}

    private struct Zeros: DecodedTensors {
        let decoded: [TensorDescription]
        let source: any TensorSource
        let others: [Int]
        let starts: [Int]

        init(decoded: [TensorDescription], source: any TensorSource, others: [Int]) {
            (self.decoded, self.source, self.others) = (decoded, source, others)
            starts = Self.starts(decoded)
        }

        func decode(_ tensor: Int, _ range: Range<Int>, into values: UnsafeMutableBufferPointer<Float>) {
            values.initialize(repeating: 0)
        }
    }
}
