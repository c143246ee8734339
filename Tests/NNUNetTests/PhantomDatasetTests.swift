import Foundation
import Imaging
import NNUNet
import Testing

/// The stages up to preprocessing on synthetic patients, good and spoilt; needs nothing from outside.
struct PhantomDatasetTests {
    private func dataset(_ body: (URL) throws -> Void) throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "cohort-phantom-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let folder = scratch.appending(path: "Dataset900_Phantom")
        let phantom = try Phantom(size: [16, 20, 18], scanners: 2, seed: 3)
        try PhantomDataset(phantom, trainingCases: 6, testCases: 0).write(to: folder)
        try body(folder)
    }

    @Test(arguments: PreprocessedFolder.Form.allCases) func allStagesAndBack(_ form: PreprocessedFolder.Form) throws {
        try dataset { folder in
            let raw = try RawDataset(folder: folder)
            #expect(try IntegrityCheck(raw).run().isEmpty)
            let fingerprint = try FingerprintExtractor(raw).run()
            #expect(fingerprint.spacings.count == 6)
            let plans = try ExperimentPlanner().plan(
                raw.description, fingerprint: fingerprint, datasetName: "Dataset900_Phantom",
                imageReaderWriter: .simpleITK)
            let run = try DatasetPreprocessor(
                raw, plans: plans, configuration: plans.configuration("3d_fullres"),
                folder: folder.appending(path: "pp"), form: form)
            try run.run()
            let cases = try PreprocessedFolder(run.output)
            #expect(cases.form == form)
            #expect(cases.identifiers == raw.cases.map(\.identifier))
            let first = try cases.read("phantom_0000")
            #expect(Set(first.segmentation!.elements).isSubset(of: [-1, 0, 1, 2]))
            let box = try cases.read("phantom_0000", box: [2..<5, 3..<9, 1..<4])
            #expect(box.data == first.data.cropped(to: [0..<1, 2..<5, 3..<9, 1..<4]))
        }
    }

    @Test func theSameSeedGivesTheSamePatients() throws {
        let phantom = try Phantom(size: [12, 14, 16], seed: 5)
        #expect(phantom.patient(3).images == phantom.patient(3).images)
        #expect(phantom.patient(3).labels != phantom.patient(4).labels)
    }

    @Test func everyFaultIsNamedWithItsCase() throws {
        try dataset { folder in
            let images = folder.appending(path: "imagesTr")
            let gone = images.appending(path: "phantom_0001_0000.nii.gz")
            try FileManager.default.removeItem(at: gone)
            let cut = images.appending(path: "phantom_0002_0000.nii.gz")
            try Data(contentsOf: cut).prefix(900).write(to: cut)
            let raw = try RawDataset(folder: folder)
            let error = #expect(throws: NNUNetError.self) { _ = try IntegrityCheck(raw).run() }
            let text = String(describing: error!)
            #expect(text.contains("phantom_0001") && text.contains("no image"))
            #expect(text.contains("phantom_0002") && text.contains("damaged"))
            #expect(text.contains("numTraining 6"))
        }
    }

    @Test func aFailedPreprocessingLeavesNothingThatLooksWhole() throws {
        try dataset { folder in
            let raw = try RawDataset(folder: folder)
            let plans = try ExperimentPlanner().plan(
                raw.description, fingerprint: FingerprintExtractor(raw).run(), datasetName: "Dataset900_Phantom",
                imageReaderWriter: .simpleITK)
            let last = folder.appending(path: "imagesTr/phantom_0005_0000.nii.gz")
            try Data(contentsOf: last).prefix(900).write(to: last)
            let target = folder.appending(path: "pp")
            let run = try DatasetPreprocessor(
                raw, plans: plans, configuration: plans.configuration("3d_fullres"), folder: target)
            #expect(throws: NNUNetError.self) { try run.run() }
            #expect(try FileManager.default.contentsOfDirectory(atPath: target.path).isEmpty)
        }
    }
}
