import Foundation
import Imaging
import NNUNet
import Testing

struct LabelHarmonisationTests {
    private let a = #"{"background": 0, "liver": 1, "tumour": 2, "spleen": 3}"#
    private let b = #"{"background": 0, "Tumour": 1, "Liver": 2, "kidney": 3}"#

    private func harmonise(_ labels: [String], _ rule: LabelHarmonisation.Rule, extra: [String] = []) throws
        -> LabelHarmonisation
    {
        try LabelHarmonisation(
            labels.enumerated().map { index, labels in
                (
                    ["A", "B", "C"][index],
                    try description(labels: labels, extra: index < extra.count ? extra[index] : "")
                )
            }, rule: rule)
    }

    @Test func intersection() throws {
        let result = try harmonise([a, b], .intersection)
        #expect(result.labels.map(\.name) == ["background", "liver", "tumour"])
        #expect(result.labels.map(\.values) == [[0], [1], [2]])
        #expect(result.mappings[0].values == [0: 0, 1: 1, 2: 2, 3: 0])
        #expect(result.mappings[1].values == [0: 0, 1: 2, 2: 1, 3: 0])
        #expect(result.mappings.map(\.dropped) == [["spleen"], ["kidney"]])
        #expect(result.mappings.allSatisfy { $0.missing.isEmpty })
        #expect(result.warnings == ["A: spleen becomes background.", "B: kidney becomes background."])
        #expect(result.regionsClassOrder == nil && result.ignoreLabel == nil)
    }

    @Test func union() throws {
        let result = try harmonise([a, b], .union)
        #expect(result.labels.map(\.name) == ["background", "liver", "tumour", "spleen", "kidney"])
        #expect(result.labels.map(\.values) == [[0], [1], [2], [3], [4]])
        #expect(result.mappings[1].values == [0: 0, 1: 2, 2: 1, 3: 4])
        #expect(result.mappings.map(\.missing) == [["kidney"], ["spleen"]])
        #expect(result.warnings.count == 2 && result.warnings[0].hasPrefix("A has not annotated kidney."))
        #expect(result.warnings[0].contains("takes both for one class"))
    }

    @Test func nothingInCommonIsRefused() throws {
        let other = #"{"background": 0, "heart": 1}"#
        let error = #expect(throws: NNUNetError.self) { try harmonise([a, other], .intersection) }
        #expect(error.map { "\($0)".contains("No label is common") && "\($0)".contains("B: heart") } == true)
        #expect(try harmonise([a, other], .union).labels.count == 5)
    }

    @Test func ignoreMovesToTheEnd() throws {
        let ignoring = #"{"background": 0, "spleen": 1, "ignore": 2}"#
        let union = try harmonise([a, ignoring], .union)
        #expect(union.ignoreLabel == 4 && union.mappings[1].values == [0: 0, 1: 3, 2: 4])
        let common = try harmonise([a, ignoring], .intersection)
        #expect(common.ignoreLabel == 2 && common.mappings[1].values == [0: 0, 1: 1, 2: 2])
        #expect(common.mappings[0].values == [0: 0, 1: 0, 2: 0, 3: 1])
    }

    /// BraTS of two years: the same regions over other numbers.
    @Test func regionsAreMatchedByTheirParts() throws {
        let one = #"{"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3}"#
        let other = #"{"background": 0, "core": [1, 3], "whole": [1, 2, 3], "enhancing": [3]}"#
        let result = try harmonise(
            [one, other], .union,
            extra: [#", "regions_class_order": [1, 2, 3]"#, #", "regions_class_order": [1, 2, 3]"#])
        #expect(result.labels.map(\.values) == [[0], [1, 2, 3], [2, 3], [3]])
        #expect(result.mappings[1].values == [0: 0, 1: 2, 2: 1, 3: 3])
        #expect(result.regionsClassOrder == [1, 2, 3] && result.warnings.isEmpty)
    }

    /// Where only the inner region was drawn, it still lies in the outer one, which is painted first.
    @Test func anInnerRegionAloneLiesInItsOuterOne() throws {
        let inner = #"{"background": 0, "enhancing": 1}"#
        let all = #"{"background": 0, "whole": [1, 2], "enhancing": 2}"#
        let order = ["", #", "regions_class_order": [1, 2]"#]
        let result = try harmonise([inner, all], .union, extra: order)
        #expect(result.labels.map(\.name) == ["background", "whole", "enhancing"])
        #expect(result.labels.map(\.values) == [[0], [1, 2], [1]])
        #expect(result.regionsClassOrder == [2, 1])
        #expect(result.mappings.map(\.values) == [[0: 0, 1: 1], [0: 0, 1: 2, 2: 1]])
        #expect(result.mappings.map(\.missing) == [["whole"], []])
        let common = try harmonise([inner, all], .intersection, extra: order)
        #expect(common.labels.map(\.values) == [[0], [1]] && common.regionsClassOrder == nil)
        #expect(common.mappings[1].values == [0: 0, 1: 0, 2: 1])
    }

    @Test func aNameOfTwoMeaningsIsRefused() throws {
        let apart = #"{"background": 0, "liver": 1, "tumour": 2}"#
        let within = #"{"background": 0, "liver": [1, 2], "tumour": 2}"#
        let error = #expect(throws: NNUNetError.self) {
            try harmonise([apart, within], .union, extra: ["", #", "regions_class_order": [1, 2]"#])
        }
        #expect(error.map { "\($0)".contains("lies apart from \"tumour\" in A, and lies around it in B") } == true)
        #expect(throws: NNUNetError.self) {
            try harmonise([#"{"background": 0, "Liver": 1, "liver": 2}"#, apart], .union)
        }
        #expect(throws: NNUNetError.self) {
            try harmonise([#"{"background": 0, "Background": 1}"#, apart], .union)
        }
    }

    /// Every voxel keeps its name, or becomes background where the name is dropped.
    @Test(arguments: LabelHarmonisation.Rule.allCases) func everyVoxelKeepsItsMeaning(rule: LabelHarmonisation.Rule)
        throws
    {
        try withScratchFolder { scratch in
            let folders = folders(in: scratch)
            let sources = [
                try writeDataset("Dataset001_A", in: folders.raw, labels: a, values: 4, cases: 3, tests: 2, seed: 1),
                try writeDataset("Dataset002_B", in: folders.raw, labels: b, values: 4, seed: 2),
            ]
            let result = try LabelHarmonisation(
                sources.map { ($0.folder.lastPathComponent, $0.description) }, rule: rule)
            let new = try NewRawDatasets(["A", "B"], firstID: 11, in: folders)
            let written = try result.write(sources, as: new)
            #expect(written.map(\.lastPathComponent) == ["Dataset011_A", "Dataset012_B"])
            for (source, folder) in zip(sources, written) {
                let target = try RawDataset(folder: folder)
                #expect(try IntegrityCheck(target).run().isEmpty)
                func names(_ dataset: RawDataset) -> [Int: String] {
                    Dictionary(
                        uniqueKeysWithValues: dataset.description.labels.map { ($0.values[0], $0.name.lowercased()) })
                }
                let (before, after) = (names(source), names(target))
                let pairs =
                    zip(source.cases, target.cases).map { ($0, $1) }
                    + zip(try source.testCases(), try target.testCases()).map { ($0, $1) }
                #expect(try pairs.count == source.cases.count + source.testCases().count)
                for (old, new) in pairs {
                    let expected = try voxels(old.label!).map { value in
                        after.values.contains(before[value]!) ? before[value]! : "background"
                    }
                    let found = try voxels(new.label!).map { after[$0]! }
                    #expect(found == expected)
                    #expect(try Data(contentsOf: old.images[0]) == Data(contentsOf: new.images[0]))
                    #expect(
                        try FileManager.default.destinationOfSymbolicLink(atPath: new.images[0].path).hasPrefix("../"))
                }
                #expect(
                    target.description.unannotatedLabels.isEmpty == (rule == .intersection))
            }
        }
    }

    @Test func writtenRegionsAreAValidDataset() throws {
        try withScratchFolder { scratch in
            let folders = folders(in: scratch)
            let one = try writeDataset(
                "Dataset001_A", in: folders.raw, labels: #"{"background": 0, "whole": [1, 2], "core": 2, "ignore": 3}"#,
                values: 4, extra: #", "regions_class_order": [1, 2]"#)
            let other = try writeDataset(
                "Dataset002_B", in: folders.raw, labels: #"{"background": 0, "core": 1, "whole": [1, 2], "vessel": 3}"#,
                values: 4, extra: #", "regions_class_order": [1, 2, 3]"#, seed: 5)
            let result = try LabelHarmonisation([("A", one.description), ("B", other.description)], rule: .union)
            let written = try result.write(
                [one, other], as: NewRawDatasets(["A", "B"], firstID: 11, in: folders), images: .copy)
            for folder in written {
                let dataset = try RawDataset(folder: folder)
                #expect(try IntegrityCheck(dataset).run().isEmpty)
                #expect(dataset.description.labels.map(\.values) == [[0], [1, 2], [2], [3]])
                #expect(dataset.description.regionsClassOrder == [1, 2, 3] && dataset.description.ignoreLabel == 4)
            }
            let (old, new) = try (
                voxels(other.cases[0].label!), voxels(written[1].appending(path: "labelsTr/case0.nii.gz"))
            )
            #expect(old.map { [0, 2, 1, 3][$0] } == new)
        }
    }

    @Test func aSecondUnionRemembersWhatWasNotAnnotated() throws {
        let union = #"{"background": 0, "liver": 1, "spleen": 2}"#
        let unannotated = #", "unannotated_labels": ["Spleen"]"#
        let result = try harmonise([union, union], .union, extra: [unannotated, ""])
        #expect(result.mappings.map(\.missing) == [["spleen"], []])
        #expect(
            try harmonise([union, union], .intersection, extra: [unannotated, ""]).labels.map(\.name)
                == ["background", "liver"])
    }

    @Test func aFailureLeavesNothing() throws {
        try withScratchFolder { scratch in
            let folders = folders(in: scratch)
            let good = try writeDataset("Dataset001_A", in: folders.raw, labels: a, values: 4)
            // The files hold 3, which this table does not name.
            let bad = try writeDataset(
                "Dataset002_B", in: folders.raw, labels: #"{"background": 0, "liver": 1, "tumour": 2}"#, values: 4)
            let result = try LabelHarmonisation([("A", good.description), ("B", bad.description)], rule: .intersection)
            let new = try NewRawDatasets(["A", "B"], firstID: 11, in: folders)
            let error = #expect(throws: NNUNetError.self) { try result.write([good, bad], as: new) }
            #expect(error.map { "\($0)".contains("3.0, which dataset.json of B does not name") } == true)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folders.raw.path).sorted()
                    == ["Dataset001_A", "Dataset002_B"])
            #expect(throws: NNUNetError.self) { _ = try NewRawDatasets(["A", "B"], firstID: 2, in: folders) }
            #expect(throws: NNUNetError.self) { _ = try NewRawDatasets(["A", "B"], firstID: 999, in: folders) }
            #expect(throws: NNUNetError.self) { _ = try NewRawDatasets(["A"], firstID: 0, in: folders) }
        }
    }
}
