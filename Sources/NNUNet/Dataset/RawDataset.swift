#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Imaging

/// One case of a raw dataset: a file per channel and a label.
public struct RawCase: Sendable, Equatable {
    public var identifier: String
    public var images: [URL]
    public var label: URL?

    public init(identifier: String, images: [URL], label: URL?) {
        self.identifier = identifier
        self.images = images
        self.label = label
    }
}

/// A dataset in nnU-Net's raw form: `dataset.json`, `imagesTr`, `labelsTr`.
public struct RawDataset: Sendable {
    public let folder: URL
    public let description: DatasetDescription
    /// The training cases, sorted by identifier.
    public let cases: [RawCase]

    /// - Parameter blocked: fields of `dataset.json` that are not read.
    public init(folder: URL, without blocked: BlockedFields = BlockedFields()) throws {
        self.folder = folder
        description = try DatasetDescription(contentsOf: folder.appending(path: "dataset.json"), without: blocked)
        if let table = description.caseTable {
            cases = table.map { entry in
                RawCase(
                    identifier: entry.identifier, images: entry.images.map { Self.resolve($0, in: folder) },
                    label: Self.resolve(entry.label, in: folder))
            }.sorted { $0.identifier < $1.identifier }
        } else {
            let ending = description.fileEnding
            let labels = folder.appending(path: "labelsTr")
            cases = try Self.cases(in: folder.appending(path: "imagesTr"), fileEnding: ending).map {
                RawCase(
                    identifier: $0.identifier, images: $0.images, label: labels.appending(path: $0.identifier + ending))
            }
        }
        guard !cases.isEmpty else {
            throw NNUNetError.dataset(
                folder.lastPathComponent,
                facts: [
                    "imagesTr holds no file named like case_0000\(description.fileEnding). Is file_ending in dataset.json right?"
                ])
        }
    }

    /// The images of a folder, `case_0000.ending`, grouped by case and sorted.
    public static func cases(in folder: URL, fileEnding: String) throws -> [RawCase] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            throw NNUNetError.file(folder.path, reason: "there is no such folder, or it cannot be read")
        }
        var images: [String: [String]] = [:]
        for name in names where name.hasSuffix(fileEnding) {
            let stem = name.dropLast(fileEnding.count)
            let channel = stem.suffix(5)
            guard stem.count > 5, channel.first == "_", channel.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber })
            else { continue }
            images[String(stem.dropLast(5)), default: []].append(name)
        }
        return images.sorted { $0.key < $1.key }.map { identifier, names in
            RawCase(identifier: identifier, images: names.sorted().map { folder.appending(path: $0) }, label: nil)
        }
    }

    /// The reader that the dataset asks for or that fits its files.
    public func imageReaderWriter() throws -> ImageReaderWriter {
        if let name = description.imageReaderWriterOverride {
            guard let reader = ImageReaderWriter(rawValue: name) else {
                throw NNUNetError.key(
                    file: "dataset.json", key: "overwrite_image_reader_writer",
                    reason: "names an unknown reader, \(name). Known: "
                        + ImageReaderWriter.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return reader
        }
        return try ImageReaderWriter.select(fileEnding: description.fileEnding, example: cases[0].images.first)
    }

    private static func resolve(_ path: String, in folder: URL) -> URL {
        let expanded = expandVariables(path)
        return expanded.hasPrefix("/") ? URL(filePath: expanded) : folder.appending(path: expanded)
    }

    /// Replaces `$NAME` and `${NAME}` by the environment's values; unknown names stay.
    private static func expandVariables(_ path: String) -> String {
        var result = ""
        var rest = path[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            let braced = rest.first == "{"
            let body = braced ? rest.dropFirst() : rest
            let name = body.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            let after = body[name.endIndex...]
            if !name.isEmpty, !braced || after.first == "}",
                let value = ProcessInfo.processInfo.environment[String(name)]
            {
                result += value
                rest = braced ? after.dropFirst() : after
            } else {
                result += "$"
            }
        }
        return result + rest
    }
}
