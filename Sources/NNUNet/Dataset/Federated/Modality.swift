/// How the images of a dataset were made: one kind of imaging, or several where its channels are of several.
///
/// Written as the kinds' names in alphabetical order, joined with "+", such as "CT" or "CT+PET".
public struct Modality: Sendable, Hashable, CustomStringConvertible {
    /// One kind of imaging, under DICOM's code where there is a short one.
    public enum Kind: String, Sendable, CaseIterable {
        case computedTomography = "CT"
        case magneticResonance = "MR"
        case positronEmission = "PET"
        case singlePhotonEmission = "NM"
        case ultrasound = "US"
        case xRay = "XR"
        case mammography = "MG"
        case opticalCoherence = "OCT"
        case photography = "PHOTO"
        case endoscopy = "ENDOSCOPY"
        case microscopy = "MICROSCOPY"
    }

    /// Sorted by name, at least one.
    public let kinds: [Kind]

    public var description: String { kinds.map(\.rawValue).joined(separator: "+") }

    private init(_ kinds: Set<Kind>) { self.kinds = kinds.sorted { $0.rawValue < $1.rawValue } }

    /// What a person states: "CT", "mri", "PET+CT".
    public init(stated text: String) throws {
        let kinds = text.split(separator: "+", omittingEmptySubsequences: false).map {
            ModalityVocabulary.kinds(in: String($0))
        }
        guard !kinds.isEmpty, kinds.allSatisfy({ $0.count == 1 }) else {
            throw NNUNetError.plan(
                "\"\(text)\" is no modality. Known: \(Self.known), joined with \"+\" where channels are of several.")
        }
        self.init(kinds.reduce(into: []) { $0.formUnion($1) })
    }

    /// What the names of the channels say, or what a person states where they are silent.
    ///
    /// - Parameters:
    ///   - stated: must not contradict the names.
    ///   - dataset: the name that an error gives.
    /// - Throws: `NNUNetError.dataset` where the modality is unknown or contradictory.
    public init(channelNames: [String], stated: Modality? = nil, dataset: String) throws {
        let channels = channelNames.map { (name: $0, kinds: ModalityVocabulary.kinds(in: $0)) }
        func refusal(_ fact: String) -> NNUNetError { .dataset(dataset, facts: [fact]) }
        if let stated {
            for (name, kinds) in channels where !kinds.isEmpty && kinds.isDisjoint(with: stated.kinds) {
                throw refusal(
                    "its modality is stated as \(stated), but channel \"\(name)\" is \(Modality(kinds)). Correct channel_names in dataset.json, or what is stated."
                )
            }
            let named = channels.reduce(into: Set<Kind>()) { $0.formUnion($1.kinds) }
            let silent = channels.count { $0.kinds.isEmpty }
            let unmatched = stated.kinds.filter { !named.contains($0) }
            guard unmatched.count <= silent else {
                throw refusal(
                    "its modality is stated as \(stated), but no channel is left for \(unmatched.map(\.rawValue).joined(separator: " and ")): \(Self.quoted(channelNames)). Correct channel_names in dataset.json, or what is stated."
                )
            }
            self = stated
            return
        }
        if let (name, kinds) = channels.first(where: { $0.kinds.count > 1 }) {
            throw refusal(
                "channel \"\(name)\" names \(kinds.count) modalities at once, \(kinds.map(\.rawValue).sorted().joined(separator: " and ")). Give each channel a name of one, or state the modality."
            )
        }
        if let (name, _) = channels.first(where: { $0.kinds.isEmpty && !ModalityVocabulary.isNormalisation($0.name) }) {
            throw refusal(
                "channel \"\(name)\" names no known modality. Rename it in dataset.json (such as T1w), or state the modality: \(Self.known)."
            )
        }
        let kinds = channels.reduce(into: Set<Kind>()) { $0.formUnion($1.kinds) }
        guard !kinds.isEmpty else {
            throw refusal(
                "its channels (\(Self.quoted(channelNames))) say how they are normalised, and nothing of the modality. State it: \(Self.known)."
            )
        }
        self.init(kinds)
    }

    private static var known: String { Kind.allCases.map(\.rawValue).joined(separator: ", ") }

    private static func quoted(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
}
