/// The validated content of a `dataset.json` of a raw dataset.
public struct DatasetDescription: Sendable, Equatable {
    /// Names of the channels in order of their index; a name selects the normalisation.
    public var channelNames: [String]
    /// In the file's order, `background` included, `ignore` left out.
    public var labels: [Label]
    /// The integer that marks voxels that nobody annotated, if there is one.
    public var ignoreLabel: Int?
    public var numTraining: Int
    /// Such as ".nii.gz".
    public var fileEnding: String
    /// `overwrite_image_reader_writer`, where it is set.
    public var imageReaderWriterOverride: String?
    /// The integers that the region heads paint, in order.
    public var regionsClassOrder: [Int]?
    /// The explicit case table, where there is one: case → image paths, label path, as written.
    public var caseTable: [(identifier: String, images: [String], label: String)]?
    /// The file as it was read, whole.
    public var json: JSONObject

    /// A name of `labels` with the integers that it covers: one for an ordinary label, several for a region.
    public struct Label: Sendable, Equatable {
        public var name: String
        public var values: [Int]
        /// Whether the file gives a list, even of one.
        public var isList: Bool
    }

    public static func == (a: Self, b: Self) -> Bool { a.json == b.json }
}
