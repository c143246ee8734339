#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension DatasetDescription {
    /// Reads and checks a `dataset.json`. Whether the labels are consecutive is seen by the integrity check, as in nnU-Net.
    public init(contentsOf url: URL) throws { try self.init(JSONReader(contentsOf: url)) }

    /// Checks the content of a `dataset.json`.
    public init(json: JSONObject, file: String = "dataset.json") throws { try self.init(JSONReader(json, file: file)) }

    private init(_ reader: JSONReader) throws {
        json = reader.object
        channelNames = try Self.channelNames(reader)
        (labels, ignoreLabel) = try Self.labels(reader)
        numTraining = try reader.integer("numTraining")
        fileEnding = try reader.string("file_ending")
        guard fileEnding.hasPrefix(".") else { throw reader.fault("file_ending", "must begin with a point, as in \".nii.gz\"") }
        let readerName = reader.has("overwrite_image_reader_writer") ? try reader.string("overwrite_image_reader_writer") : "None"
        imageReaderWriterOverride = readerName == "None" ? nil : readerName
        regionsClassOrder = reader.has("regions_class_order") ? try reader.integers("regions_class_order") : nil
        caseTable = try Self.caseTable(reader)
        if labels.contains(where: { $0.values.count > 1 }) {
            guard let order = regionsClassOrder else {
                throw reader.fault("regions_class_order", "is missing: with regions it lists the number that each region paints")
            }
            let regions = labels.count { $0.values != [0] }
            guard order.count == regions else {
                throw reader.fault("regions_class_order", "has \(order.count) numbers for \(regions) foreground regions")
            }
        }
    }

    private static func channelNames(_ reader: JSONReader) throws -> [String] {
        let key = reader.has("channel_names") || !reader.has("modality") ? "channel_names" : "modality"
        let names = try reader.reader(key)
        return try (0..<names.object.keys.count).map { index in
            guard names.has(String(index)) else {
                throw reader.fault(key, "must number its channels from \"0\" on; \"\(index)\" is missing")
            }
            return try names.string(String(index))
        }
    }

    private static func labels(_ reader: JSONReader) throws -> ([Label], Int?) {
        let object = try reader.reader("labels")
        var labels: [Label] = []
        var ignore: Int?
        for (name, value) in object.object.pairs {
            let values = value.list(\.integer) ?? value.integer.map { [$0] }
            guard let values, !values.isEmpty, values.allSatisfy({ (0...Int(Int16.max)).contains($0) }) else {
                throw reader.fault("labels", "gives \"\(name)\" no whole number from 0 to 32767, nor a list of such")
            }
            if name == "ignore" {
                guard value.array == nil else { throw reader.fault("labels", "must give \"ignore\" one number, not a list") }
                ignore = values[0]
            } else {
                labels.append(Label(name: name, values: values, isList: value.array != nil))
            }
        }
        guard labels.contains(where: { $0.name == "background" && $0.values == [0] }) else {
            throw reader.fault("labels", "must hold \"background\": 0")
        }
        if let ignore, let highest = labels.flatMap(\.values).max(), ignore != highest + 1 {
            throw reader.fault("labels", "gives \"ignore\" \(ignore); it must be the highest label plus one, \(highest + 1)")
        }
        return (labels, ignore)
    }

    private static func caseTable(_ reader: JSONReader) throws -> [(identifier: String, images: [String], label: String)]? {
        guard reader.has("dataset") else { return nil }
        let table = try reader.reader("dataset")
        return try table.object.keys.map { identifier in
            let entry = try table.reader(identifier)
            return (identifier, try entry.strings("images"), try entry.string("label"))
        }
    }
}
