/// What makes channels of different sites the same: modality and channel name.
public struct ChannelKey: Codable, Hashable, Sendable, Comparable {
    /// The site's word for its kind of images, such as "MR"; may be empty.
    public var modality: String
    /// As in `channel_names` of `dataset.json`.
    public var name: String
    /// 0, or how many channels of the same dataset have this name and come before.
    public var occurrence: Int

    public init(modality: String, name: String, occurrence: Int = 0) {
        self.modality = modality
        self.name = name
        self.occurrence = occurrence
    }

    /// The keys of a dataset's channels, in their order.
    public static func keys(of channelNames: [String], modality: String) -> [ChannelKey] {
        channelNames.enumerated().map { index, name in
            ChannelKey(
                modality: modality, name: name, occurrence: channelNames[..<index].count { $0 == name })
        }
    }

    public static func < (a: Self, b: Self) -> Bool {
        (a.modality, a.name, a.occurrence) < (b.modality, b.name, b.occurrence)
    }
}

extension ChannelKey: CustomStringConvertible {
    public var description: String {
        (modality.isEmpty ? "" : modality + " ") + name + (occurrence == 0 ? "" : " (\(occurrence + 1))")
    }
}
