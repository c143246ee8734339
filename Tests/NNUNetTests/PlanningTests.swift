import Foundation
import Imaging
import NNUNet
import SharedData
import Testing

/// Plans against those that nnU-Net made of the same fingerprints.
@Suite(.enabled(if: SharedData.url("golden/plans_golden.json") != nil, "golden values are not here"))
struct PlanningGoldenTests {
    static let presets: [PlannerPreset] = [.standard, .residualEncoderM, .residualEncoderL, .residualEncoderXL]

    @Test(arguments: ["901_BraTS", "903_Liver", "904_Hippo", "905_Prostate", "920_Road", "927_ACDC"], presets)
    func equalFieldByField(name: String, preset: PlannerPreset) throws {
        let goldens = try JSONValue(parsing: Array(Data(contentsOf: SharedData.url("golden/plans_golden.json")!)))
        let golden = try #require(goldens.object?[String(name.prefix(3))]?.object?[preset.rawValue]?.object)
        let folder = SharedData.url("golden/planner_inputs/Dataset\(name)")!
        let plans = try ExperimentPlanner(preset).plan(
            DatasetDescription(contentsOf: folder.appending(path: "dataset.json")),
            fingerprint: DatasetFingerprint(contentsOf: folder.appending(path: "dataset_fingerprint.json")),
            datasetName: "Dataset\(name)",
            imageReaderWriter: ImageReaderWriter(rawValue: golden["image_reader_writer"]!.string!)!)
        #expect(plans.json.keys == golden.keys)
        for key in golden.keys where key != "configurations" { #expect(plans.json[key] == golden[key], "\(key)") }
        let ours = try #require(plans.json["configurations"]?.object)
        let theirs = try #require(golden["configurations"]?.object)
        #expect(ours.keys == theirs.keys)
        for configuration in theirs.keys {
            let a = try #require(ours[configuration]?.object)
            let b = try #require(theirs[configuration]?.object)
            #expect(a.keys == b.keys)
            for key in b.keys { #expect(a[key]?.serialised() == b[key]?.serialised(), "\(configuration) \(key)") }
        }
    }

    @Test func realLungDataset() throws {
        let folder = SharedData.url("data/nnunet_plans/msd_lung_usamakhan")!
        let golden = try Plans(contentsOf: folder.appending(path: "nnUNetPlans.json"))
        let plans = try ExperimentPlanner().plan(
            DatasetDescription(contentsOf: folder.appending(path: "dataset.json")),
            fingerprint: DatasetFingerprint(contentsOf: folder.appending(path: "dataset_fingerprint.json")),
            datasetName: "Dataset006_Lung", imageReaderWriter: .simpleITK)
        #expect(plans.configurations.map(\.name) == golden.configurations.map(\.name))
        for (a, b) in zip(plans.configurations, golden.configurations) { #expect(a == b) }
    }
}
