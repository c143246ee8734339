import Foundation
import Imaging
import Learning
import NNUNet
import Testing

@Suite struct RecordLoaderTests {
    private func source(_ name: String) throws -> any PatchSource {
        let values = (0..<16 * 16 * 16).map { Float(sin(Double($0) * 0.37 + Double(name.utf8.first ?? 0))) }
        return try InMemoryPatchSource(
            identifier: name, data: Volume(shape: [1, 16, 16, 16], elements: values),
            segmentation: Volume(shape: [1, 16, 16, 16], elements: values.map { $0 > 0.8 ? 1 : 0 }),
            classLocations: [ClassLocations(labels: [1], isRegion: false, coordinates: [0, 3, 3, 3])])
    }

    private func loader(
        _ cases: [String], patients: [String: String] = [:], patches: Int = 2, threads: Int = 0
    ) throws -> RecordLoader {
        let settings = AugmentationSettings.nnUNetDefault(patchSize: [8, 8, 8])
        return try RecordLoader(
            sources: cases.map(source), groups: RecordGroups(cases: cases, recordOfCase: patients),
            sampler: PatchSampler(
                batchSize: patches, patchSize: settings.patchSize, initialPatchSize: settings.initialPatchSize,
                annotatedLabels: [-1, 0, 1]),
            pipeline: AugmentationPipeline(settings: settings, targets: TargetLayout(patchSize: [8, 8, 8])),
            seed: 4, threads: threads)
    }

    /// A record that comes or goes changes no other's patches.
    @Test func patchesFollowFromTheirRecordAlone() throws {
        let (few, many) = (try loader(["b", "c"]), try loader(["d", "c", "a", "b"]))
        #expect(few.records == ["b", "c"] && many.records == ["a", "b", "c", "d"])
        for step in [0, 1, 700] {
            for (record, same) in [(0, 1), (1, 2)] {
                let (one, other) = (try few.patches(of: record, step: step), try many.patches(of: same, step: step))
                #expect(one.data == other.data && one.targets == other.targets)
                #expect(one.data.shape == [2, 1, 8, 8, 8])
            }
        }
        #expect(try few.patches(of: 0, step: 0).data != few.patches(of: 0, step: 1).data)
    }

    @Test func patchesThatAreMadeAheadAreTheSame() throws {
        let names = (0..<9).map { "case\($0)" }
        let (direct, ahead) = (try loader(names), try loader(names, threads: 3))
        for step in 0..<20 {
            let taken = (0..<9).filter { ($0 * 7 + step) % 3 != 0 }
            ahead.prepare(taken, step: step)
            // One step ends early, and one asks for another record first.
            for record in step == 5 ? taken.dropLast(2) : step == 6 ? [8] + taken : taken {
                let (one, other) = (
                    try direct.patches(of: record, step: step), try ahead.patches(of: record, step: step)
                )
                #expect(one.data == other.data && one.targets == other.targets)
            }
        }
    }

    @Test func casesOfOnePatientAreOneRecord() throws {
        let patients = ["x": "anna", "y": "boris", "z": "anna"]
        let groups = try RecordGroups(cases: ["z", "y", "x"], recordOfCase: patients)
        #expect(groups.names == ["anna", "boris"] && groups.cases == [[2, 0], [1]])
        #expect(throws: LearningError.self) { try RecordGroups(cases: ["x", "w"], recordOfCase: patients) }
        #expect(try RecordGroups(cases: ["z", "y"]).cases == [[1], [0]])
        // Patches come from all of a patient's cases.
        let loader = try loader(["z", "y", "x"], patients: patients, patches: 1)
        #expect(loader.records == ["anna", "boris"])
        let means = try (0..<40).map { step in
            let patch = try loader.patches(of: 0, step: step).data
            return patch.elements.reduce(0, +)
        }
        #expect(Set(means).count == 40)
    }

    /// Foreground is forced by chance in each patch: the last of several is no different from the first.
    @Test func foregroundIsForcedByChance() throws {
        let settings = AugmentationSettings.none(patchSize: [2, 2, 2])
        var image = Volume<Float>(shape: [1, 40, 40, 40], repeating: 0)
        image.elements[20 * 1640 + 20] = 1
        image.elements[0] = 0
        let source = try InMemoryPatchSource(
            identifier: "a", data: image, segmentation: Volume(shape: [1, 40, 40, 40], repeating: 0),
            classLocations: [ClassLocations(labels: [1], isRegion: false, coordinates: [0, 20, 20, 20, 0, 20, 20, 20])])
        let loader = try RecordLoader(
            sources: [source], groups: RecordGroups(cases: ["a"]),
            sampler: PatchSampler(
                batchSize: 3, patchSize: [2, 2, 2], initialPatchSize: [2, 2, 2], oversampleForeground: 0.33,
                annotatedLabels: [-1, 0, 1]),
            pipeline: AugmentationPipeline(settings: settings, targets: TargetLayout(patchSize: [2, 2, 2])), seed: 1)
        let steps = 2000
        var forced = [0, 0, 0]
        for step in 0..<steps {
            let data = try loader.patches(of: 0, step: step).data.elements
            for sample in 0..<3 where data[sample * 8..<sample * 8 + 8].contains(1) { forced[sample] += 1 }
        }
        // 6.2 standard deviations: by chance with a probability below 1e-9.
        let error = 6.2 * (0.33 * 0.67 * Double(steps)).squareRoot()
        for count in forced { #expect(abs(Double(count) - 0.33 * Double(steps)) < error + 2, "\(forced)") }
    }
}
