import Foundation
import Imaging
import NNUNet
import SharedData
import Testing

/// Everything that nnU-Net 2.8.1 wrote for a dataset of six cases, against what Cohort makes of the same raw files.
@Suite(.enabled(if: SharedData.url("golden/mini_dataset") != nil, "golden values are not here"))
struct MiniDatasetTests {
    let raw = SharedData.url("golden/mini_dataset/raw/Dataset901_Mini")!
    let golden = SharedData.url("golden/mini_dataset/pp/Dataset901_Mini")!

    @Test func fingerprintWithinAThousandthOfADeviation() throws {
        let ours = try FingerprintExtractor(RawDataset(folder: raw)).run()
        let theirs = try DatasetFingerprint(contentsOf: golden.appending(path: "dataset_fingerprint.json"))
        #expect(ours.shapesAfterCrop == theirs.shapesAfterCrop)
        #expect(ours.spacings == theirs.spacings)
        #expect(ours.medianRelativeSizeAfterCropping == theirs.medianRelativeSizeAfterCropping)
        let (a, b) = (ours.foregroundIntensities[0], theirs.foregroundIntensities[0])
        #expect(a.min == b.min && a.max == b.max)
        for (x, y) in [
            (a.mean, b.mean), (a.std, b.std), (a.median, b.median), (a.percentile005, b.percentile005),
            (a.percentile995, b.percentile995),
        ] { #expect(abs(x - y) < 1e-3 * b.std) }
    }

    @Test func plansAreEqual() throws {
        let dataset = try RawDataset(folder: raw)
        let plans = try ExperimentPlanner().plan(
            dataset.description,
            fingerprint: DatasetFingerprint(contentsOf: golden.appending(path: "dataset_fingerprint.json")),
            datasetName: "Dataset901_Mini", imageReaderWriter: dataset.imageReaderWriter())
        let text = try String(contentsOf: golden.appending(path: "nnUNetPlans.json"), encoding: .utf8)
        let theirs = try JSONValue(parsing: Array(text.utf8))
        #expect(plans.json["configurations"]?.serialised() == theirs.object?["configurations"]?.serialised())
        for key in theirs.object!.keys where key != "foreground_intensity_properties_per_channel" {
            #expect(plans.json[key]?.serialised() == theirs.object?[key]?.serialised(), "\(key)")
        }
    }

    @Test(arguments: ["2d", "3d_fullres"])
    func preprocessedCasesAreEqual(configuration: String) throws {
        let dataset = try RawDataset(folder: raw)
        let plans = try Plans(contentsOf: golden.appending(path: "nnUNetPlans.json"))
        let scratch = FileManager.default.temporaryDirectory.appending(path: "cohort-mini-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let run = try DatasetPreprocessor(
            dataset, plans: plans, configuration: plans.configuration(configuration), folder: scratch)
        try run.run()
        let ours = try PreprocessedFolder(run.output)
        let theirs = try PreprocessedFolder(golden.appending(path: "nnUNetPlans_\(configuration)"))
        #expect(ours.identifiers == theirs.identifiers)
        for identifier in theirs.identifiers {
            let (a, b) = (try ours.read(identifier), try theirs.read(identifier))
            #expect(a.data.shape == b.data.shape)
            #expect(zip(a.data.elements, b.data.elements).allSatisfy { abs($0 - $1) <= 1e-5 })
            #expect(a.segmentation == b.segmentation)
            #expect(a.properties == b.properties, "\(identifier)")
        }
    }
}
