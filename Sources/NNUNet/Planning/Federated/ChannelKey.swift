/// What makes channels of different sites the same: modality and channel name.
public struct ChannelKey: Codable, Hashable, Sendable, Comparable {
    /// The site's word for its kind of images, such as "MR"; may be empty.
    public var modality: String
    /// As in `channel_names` of `dataset.json`, in small letters and without space around: "T1w" is "t1w".
    public var name: String
    /// 0, or how many channels of the same dataset have this name and come before.
    public var occurrence: Int

    public init(modality: String, name: String, occurrence: Int = 0) {
        self.modality = modality
        self.name = DatasetComparison.folded(name)
        self.occurrence = occurrence
    }

    /// The keys of a dataset's channels, in their order.
    public static func keys(of channelNames: [String], modality: String) -> [ChannelKey] {
        var seen: [String: Int] = [:]
        return channelNames.map { name in
            var key = ChannelKey(modality: modality, name: name)
            key.occurrence = seen[key.name, default: 0]
            seen[key.name] = key.occurrence + 1
            return key
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
