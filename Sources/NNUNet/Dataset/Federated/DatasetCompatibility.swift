/// What differs between the datasets of several sites, and how much of a network they can learn together.
public struct DatasetCompatibility: Sendable {
    /// The dataset of one site.
    public struct Site: Sendable {
        public var name: String
        public var description: DatasetDescription
        public var modality: Modality
        /// As `RawDataset.medianSpacing` gives it; nil leaves spacings uncompared.
        public var spacing: [Double]?
        /// Where there is one, it tells flat images from spatial ones.
        public var fingerprint: DatasetFingerprint?

        public init(
            name: String, description: DatasetDescription, modality: Modality, spacing: [Double]? = nil,
            fingerprint: DatasetFingerprint? = nil
        ) {
            self.name = name
            self.description = description
            self.modality = modality
            self.spacing = spacing
            self.fingerprint = fingerprint
        }
    }

    public enum Aspect: String, Sendable, CaseIterable {
        case dimensions, modality, channels, labels, annotation, regions, ignoreLabel, fileEnding, spacing
    }

    /// What a difference leaves to share.
    public enum Consequence: Sendable, Equatable {
        /// Everything: worth knowing, and nothing has to change.
        case none
        /// Input layers or heads differ.
        case backboneOnly
        /// Networks of other kinds.
        case nothing
    }

    /// One thing that differs, in plain words.
    public struct Difference: Sendable, Equatable {
        public var aspect: Aspect
        public var text: String
        public var consequence: Consequence
    }

    public let sites: [Site]
    public let differences: [Difference]

    public init(_ sites: [Site]) {
        self.sites = sites
        let comparison = DatasetComparison(sites: sites)
        differences =
            comparison.dimensions + comparison.modalities + comparison.channels + comparison.labels
            + comparison.unannotated + comparison.regions + comparison.ignoreLabels + comparison.fileEndings
            + comparison.spacings
    }

    /// What all differences together leave to share.
    public var consequence: Consequence {
        let found = differences.map(\.consequence)
        return found.contains(.nothing) ? .nothing : found.contains(.backboneOnly) ? .backboneOnly : .none
    }

    /// The sites of each modality, in the order in which modalities first occur.
    public var modalityGroups: [(modality: Modality, sites: [String])] {
        DatasetComparison(sites: sites).groups(\.modality).map { ($0.value, $0.sites) }
    }

    /// Whether sites should be averaged within their modality first.
    public var isPerModality: Bool { consequence == .backboneOnly && modalityGroups.count > 1 }

    /// Whether everything could be shared if the labels were harmonised.
    public var isSolvedByHarmonising: Bool {
        let limiting = differences.filter { $0.consequence != .none }
        return !limiting.isEmpty && limiting.allSatisfy { $0.aspect == .labels || $0.aspect == .regions }
    }

    /// What to do, in plain words.
    public var advice: String {
        switch consequence {
        case .none: return "Everything can be shared: channels and labels mean the same at all sites."
        case .backboneOnly:
            var text = "The backbone can be shared: input layers and heads stay at each site."
            if isPerModality {
                let groups = modalityGroups.map { "\($0.modality): \($0.sites.joined(separator: ", "))" }
                text += " Average per modality first (\(groups.joined(separator: "; ")))."
            }
            if isSolvedByHarmonising {
                text += " After \"cohort datasets harmonise\" has given them one table of labels, everything can be."
            }
            return text
        case .nothing: return "Nothing can be shared: flat and spatial images need networks of other kinds."
        }
    }
}

extension DatasetDescription {
    /// What the two ends of a network stand for, as text: channels, and labels in the order of the heads.
    ///
    /// Equal where input layers and heads mean the same, however names are spelt in upper and lower case.
    public var networkEnds: String {
        let channels = channelNames.map(DatasetComparison.folded).joined(separator: ", ")
        let isRegional = labels.contains { $0.values.count > 1 }
        // Heads of regions stand in the file's order, those of labels in the order of their numbers.
        let heads = isRegional ? labels : labels.sorted { $0.values[0] < $1.values[0] }
        return "channels \(channels); labels "
            + heads.map { "\(DatasetComparison.folded($0.name)) \($0.values)" }.joined(separator: ", ")
    }
}
