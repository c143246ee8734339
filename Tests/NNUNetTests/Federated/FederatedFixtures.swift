import Foundation
import Imaging
import NNUNet

/// The content of a dataset.json, from a few of its keys.
func description(
    channels: [String] = ["CT"], labels: String = #"{"background": 0, "liver": 1}"#, ending: String = ".nii.gz",
    extra: String = ""
) throws -> DatasetDescription {
    let names = channels.enumerated().map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ")
    let text = """
        {"channel_names": {\(names)}, "labels": \(labels), "numTraining": 2, "file_ending": "\(ending)"\(extra)}
        """
    return try DatasetDescription(json: JSONValue(parsing: Array(text.utf8)).object!)
}

/// A raw dataset of random labels from 0 to `values` - 1 on a small grid, under `labels` of its dataset.json.
@discardableResult
func writeDataset(
    _ name: String, in raw: URL, labels: String, values: Int, cases: Int = 2, tests: Int = 0, extra: String = "",
    seed: UInt64 = 1
) throws -> RawDataset {
    let folder = raw.appending(path: name)
    var random = RepeatableGenerator(seed)
    for index in 0..<cases + tests {
        let suffix = index < cases ? "Tr" : "Ts"
        for part in ["images", "labels"] {
            try FileManager.default.createDirectory(
                at: folder.appending(path: part + suffix), withIntermediateDirectories: true)
        }
        let shape = [3, 4, 5]
        let image = (0..<60).map { _ in Float(Int.random(in: 0..<100, using: &random)) }
        let drawn = (0..<60).map { _ in UInt16(Int.random(in: 0..<values, using: &random)) }
        let spacing = [2.5, 1, 0.75]
        try ImageWriter.write(
            Volume(shape: shape, elements: image), spacing: spacing,
            to: folder.appending(path: "images\(suffix)/case\(index)_0000.nii.gz"))
        try ImageWriter.write(
            Volume(shape: shape, elements: drawn), spacing: spacing,
            to: folder.appending(path: "labels\(suffix)/case\(index).nii.gz"))
    }
    let text = """
        {"channel_names": {"0": "CT"}, "labels": \(labels), "numTraining": \(cases), "file_ending": ".nii.gz"\(extra)}
        """
    try Data(text.utf8).write(to: folder.appending(path: "dataset.json"))
    return try RawDataset(folder: folder)
}

/// The three folders under one.
func folders(in scratch: URL) -> DatasetFolders {
    DatasetFolders(
        raw: scratch.appending(path: "raw"), preprocessed: scratch.appending(path: "pp"),
        results: scratch.appending(path: "results"))
}

func voxels(_ file: URL) throws -> [Int] {
    try ImageReaderWriter.simpleITK.readSegmentation(file).voxels.elements.map { Int($0) }
}
