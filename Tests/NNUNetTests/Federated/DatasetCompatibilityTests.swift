import NNUNet
import Testing

struct DatasetCompatibilityTests {
    private func compare(
        _ descriptions: [DatasetDescription], spacings: [[Double]?] = [], depth: [Int] = []
    ) throws -> DatasetCompatibility {
        DatasetCompatibility(
            try descriptions.enumerated().map { index, description in
                let fingerprint = (index < depth.count ? depth[index] : nil).map { depth in
                    DatasetFingerprint(
                        shapesAfterCrop: [[depth, 9, 9]], spacings: [[1, 1, 1]],
                        foregroundIntensities: [], medianRelativeSizeAfterCropping: 1)
                }
                return DatasetCompatibility.Site(
                    name: ["A", "B", "C", "D"][index], description: description,
                    modality: try Modality(channelNames: description.channelNames, dataset: "D"),
                    spacing: index < spacings.count ? spacings[index] : nil, fingerprint: fingerprint)
            })
    }

    @Test func equalDatasetsShareEverything() throws {
        let one = try description(labels: #"{"background": 0, "Liver": 1, "tumour": 2}"#)
        let other = try description(channels: ["ct"], labels: #"{"background": 0, "tumour": 2, "liver ": 1}"#)
        let result = try compare([one, other])
        #expect(result.differences.isEmpty && result.consequence == .none && !result.isPerModality)
    }

    @Test func sameNamesOfOtherNumbersAreToBeHarmonised() throws {
        let result = try compare([
            description(labels: #"{"background": 0, "liver": 1, "tumour": 2}"#),
            description(labels: #"{"background": 0, "liver": 2, "Tumour": 1}"#),
        ])
        #expect(result.differences.map(\.aspect) == [.labels, .labels])
        #expect(
            result.differences[0].text == "Label \"liver\" is 1 in A, 2 in B: harmonise the labels.")
        #expect(
            result.consequence == .backboneOnly && result.isSolvedByHarmonising && result.advice.contains("harmonise"))
    }

    @Test func aMissingLabelIsNamedWithItsSites() throws {
        let result = try compare([
            description(), description(labels: #"{"background": 0, "liver": 1, "spleen": 2}"#), description(),
        ])
        #expect(result.differences.count == 1)
        #expect(result.differences[0].text.hasPrefix("Label \"spleen\" is in B, not in A and C"))
    }

    @Test func modalitiesAreGrouped() throws {
        let result = try compare([description(), description(channels: ["T1w"]), description()])
        #expect(result.differences.map(\.aspect) == [.modality, .channels])
        #expect(result.consequence == .backboneOnly && result.isPerModality && !result.isSolvedByHarmonising)
        #expect(result.modalityGroups.map(\.sites) == [["A", "C"], ["B"]])
        #expect(result.advice.contains("CT: A, C; MR: B"))
    }

    @Test func channelsOfOtherOrderNamesAndCountAreTold() throws {
        let reference = try description(channels: ["T1w", "T2w"])
        let cases = [
            (["T2w", "T1w"], "another order"), (["T1w", "FLAIR"], "other names"), (["T1w"], "number of channels"),
        ]
        for (channels, expected) in cases {
            let result = try compare([reference, description(channels: channels)])
            #expect(result.differences.map(\.aspect) == [.channels] && result.consequence == .backboneOnly)
            #expect(result.differences[0].text.contains(expected))
        }
    }

    @Test func regionsStandInOneOrder() throws {
        let order = #", "regions_class_order": [1, 2]"#
        let one = try description(labels: #"{"background": 0, "whole": [1, 2], "core": 2}"#, extra: order)
        let other = try description(labels: #"{"background": 0, "core": 2, "whole": [1, 2]}"#, extra: order)
        let result = try compare([one, other])
        #expect(result.differences.map(\.aspect) == [.regions] && result.consequence == .backboneOnly)
        let plain = try description(labels: #"{"background": 0, "whole": 1, "core": 2}"#)
        let mixed = try compare([one, plain])
        #expect(mixed.differences.map(\.text) == ["Label \"whole\" is [1, 2] in A, 1 in B: harmonise the labels."])
    }

    @Test func smallDifferencesAreOnlyTold() throws {
        let ignoring = try description(labels: #"{"background": 0, "liver": 1, "ignore": 2}"#, ending: ".nrrd")
        let result = try compare([description(), ignoring], spacings: [[3, 1, 1], [5, 1, 1]])
        #expect(result.differences.map(\.aspect) == [.ignoreLabel, .fileEnding, .spacing])
        #expect(result.differences[2].text.contains("factor of 1.7"))
        #expect(result.differences[2].text.contains("A: 3.0 × 1.0 × 1.0; B: 5.0 × 1.0 × 1.0"))
        #expect(result.consequence == .none)
        #expect(try compare([description(), description()], spacings: [[3, 1, 1], [4.5, 1, 1]]).differences.isEmpty)
        #expect(try compare([description(), description()], spacings: [nil, [4.5, 1, 1]]).differences.isEmpty)
    }

    /// What the coordinator tells sites of one kind by agrees with what is said of their datasets.
    @Test func networkEndsAreEqualWhereNothingDiffers() throws {
        let one = try description(labels: #"{"background": 0, "Liver": 1, "tumour": 2}"#)
        let other = try description(channels: ["ct"], labels: #"{"background": 0, "tumour": 2, "liver ": 1}"#)
        #expect(one.networkEnds == other.networkEnds)
        let swapped = try description(labels: #"{"background": 0, "liver": 2, "tumour": 1}"#)
        #expect(one.networkEnds != swapped.networkEnds)
        let order = #", "regions_class_order": [1, 2]"#
        let outer = try description(labels: #"{"background": 0, "whole": [1, 2], "core": 2}"#, extra: order)
        let inner = try description(labels: #"{"background": 0, "core": 2, "whole": [1, 2]}"#, extra: order)
        #expect(outer.networkEnds != inner.networkEnds)
    }

    /// "T1w" and "t1w" are one channel; "MR" and "MRI" may be, which a person must say.
    @Test func namesOfChannelsOfOneModality() throws {
        #expect(try compare([description(channels: ["T1w"]), description(channels: ["t1W "])]).differences.isEmpty)
        let result = try compare([
            description(channels: ["MR", "T2w"]), description(channels: ["MRI", "t2w"]),
            description(channels: ["mr", "T2w"]),
        ])
        #expect(result.differences.map(\.aspect) == [.channels] && result.consequence == .backboneOnly)
        let text = result.differences[0].text
        #expect(text.contains("Channel 0 is of one modality, MR, under other names"))
        #expect(text.contains("\"MRI\" at B") && !text.contains("Channel 1"))
        #expect(
            ChannelKey.keys(of: ["T1w", "t1w", "FLAIR"], modality: "MR")
                == ChannelKey.keys(of: [" t1w", "T1W", "flair"], modality: "MR"))
        #expect(ChannelKey.keys(of: ["T1w", "t1w"], modality: "MR").map(\.occurrence) == [0, 1])
    }

    @Test func flatAndSpatialImagesShareNothing() throws {
        let result = try compare([description(), description()], depth: [9, 1])
        #expect(result.consequence == .nothing && result.advice.hasPrefix("Nothing"))
        #expect(try compare([description(), description(ending: ".png")]).consequence == .nothing)
    }

    @Test func labelsThatDifferInCaseOnlyAreFound() throws {
        let result = try compare([description(labels: #"{"background": 0, "Liver": 1, "liver": 2}"#), description()])
        #expect(result.differences.contains { $0.text.contains("differ in case only: Liver and liver") })
    }

    @Test func whatNobodyAnnotatedIsTold() throws {
        let result = try compare([description(), description(extra: #", "unannotated_labels": ["liver"]"#)])
        #expect(result.differences.map(\.aspect) == [.annotation])
        #expect(result.differences[0].text.hasPrefix("B has not annotated liver"))
    }
}
