import Foundation
import Imaging
import NNUNet
import SharedData
import Testing

/// Fingerprints merged over sites, against those of all cases in one place.
struct FederatedFingerprintTests {
    let channels = ChannelKey.keys(of: ["T1w"], modality: "MR")

    /// A case of any intensities.
    static func makeCase(_ number: Int, _ channels: [[Float]]) -> CaseFingerprint {
        CaseFingerprint(
            shape: [20 + number % 5, 30 + number % 7, 40 - number % 3],
            spacing: [number % 2 == 0 ? 3 : 1.2, 1, 0.1 * Double(number % 4) + 0.7],
            relativeSize: 0.5 + 0.4 / Double(number + 1),
            intensities: channels.map { IntensityDistribution($0) })
    }

    static func values(_ count: Int, _ random: inout some RandomNumberGenerator, _ map: (Float) -> Float) -> [Float] {
        (0..<count).map { _ in map(Float.random(in: -1...1, using: &random)) }
    }

    @Test(arguments: [1, 2, 3, 7]) func phantomsOverSitesGiveTheCentralFingerprint(sites: Int) throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "cohort-ffe-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let folder = scratch.appending(path: "Dataset900_Phantom")
        let phantom = try Phantom(size: [16, 20, 18], scanners: 3, channels: 2, seed: 9)
        try PhantomDataset(phantom, trainingCases: 9, testCases: 0).write(to: folder)
        let raw = try RawDataset(folder: folder)
        let extractor = try FingerprintExtractor(raw)
        let keys = ChannelKey.keys(of: raw.description.channelNames, modality: "MR")
        let federation = try Federation(
            extractor.cases(), sites: sites, channels: keys, shuffledBy: UInt64(sites))
        try federation.expectEqual(centralised: extractor.run(), dataset: raw)
        if sites == 1 {
            let whole = try Federation(["one": LocalFingerprint(raw, modality: "MR")]).merge()
            #expect(try whole.fingerprint(ofSite: "one") == federation.merge().fingerprint(forChannels: keys))
        }
    }

    @Test func oneSiteWithOneCaseAndOneWithoutForeground() throws {
        var random = Generator(seed: 1)
        let cases = (0..<6).map { Self.makeCase($0, [$0 == 5 ? [] : Self.values(100 + $0, &random) { 40 * $0 }]) }
        let federation = try Federation([
            "a": LocalFingerprint(Array(cases[..<4]), channels: channels),
            "b": LocalFingerprint([cases[4]], channels: channels),
            "c": LocalFingerprint([cases[5]], channels: channels),
        ])
        let merge = try federation.merge()
        #expect(merge.cases == 6)
        expectEqual(try merge.fingerprint(ofSite: "c"), try #require(DatasetFingerprint(cases)))
    }

    @Test(
        arguments: [
            { _ in 7.25 }, { _ in 0 }, { $0 < 0 ? -0.0 : 0 }, { -1000 + ($0 * 500).rounded() }, { $0 }, { $0 * 1e30 },
            { $0 * 0x1p-140 }, { $0 > 0.999 ? 31743 : ($0 * 3).rounded() }, { 1 + $0 * 1e-6 },
        ] as [@Sendable (Float) -> Float])
    func anyIntensities(map: @Sendable (Float) -> Float) throws {
        var random = Generator(seed: 5)
        let cases = (0..<11).map { Self.makeCase($0, [Self.values(1 + $0 * $0 * 40, &random, map)]) }
        for sites in [2, 5, 11] {
            let federation = try Federation(cases, sites: sites, channels: channels, shuffledBy: 3)
            expectEqual(
                try federation.merge().fingerprint(forChannels: channels), try #require(DatasetFingerprint(cases)))
        }
    }

    /// Where shares reach a quantile exactly, rounding must not decide: 1/12 + 7/12 + 5/6 is the half of three.
    @Test(arguments: [[(1, 12), (7, 12), (5, 6)], [(1, 5), (2, 5), (9, 10)], [(3, 6), (7, 14), (997, 1994)]])
    func tiesGiveTheLowerValue(lowVoxels: [(Int, Int)]) throws {
        let cases = lowVoxels.enumerated().map { number, share in
            Self.makeCase(number, [(0..<share.1).map { $0 < share.0 ? -1 : 1 }])
        }
        #expect(DatasetFingerprint(cases)?.foregroundIntensities[0].median == -1)
        let merge = try Federation(cases.reversed(), sites: 3, channels: channels, shuffledBy: 0).merge()
        #expect(try merge.fingerprint(forChannels: channels).foregroundIntensities[0].median == -1)
    }

    @Test func eachSiteGetsItsChannelsAndAllGeometry() throws {
        var random = Generator(seed: 2)
        func draw(_ channels: Int) -> [[Float]] {
            (0..<channels).map { c in Self.values(200, &random) { $0 * 10 + Float(c * 100) } }
        }
        let (a, b) = ((0..<4).map { Self.makeCase($0, draw(2)) }, (4..<7).map { Self.makeCase($0, draw(1)) })
        let c = (7..<12).map { Self.makeCase($0, draw(2)) }
        let merge = try Federation([
            "a": LocalFingerprint(a, channels: ChannelKey.keys(of: ["T1w", "T2w"], modality: "MR")),
            "b": LocalFingerprint(b, channels: ChannelKey.keys(of: ["T2w"], modality: "MR")),
            "c": LocalFingerprint(c, channels: ChannelKey.keys(of: ["CT", "CT"], modality: "CT")),
        ]).merge()
        #expect(merge.cases == 12)
        let geometry = Set((a + b + c).map { CaseGeometry(shape: $0.shape, spacing: $0.spacing) })
        for site in ["a", "b", "c"] {
            let fingerprint = try merge.fingerprint(ofSite: site)
            #expect(fingerprint.shapesAfterCrop.count == 12)
            #expect(
                Set(
                    zip(fingerprint.shapesAfterCrop, fingerprint.spacings).map {
                        CaseGeometry(shape: $0.0, spacing: $0.1)
                    }) == geometry)
        }
        func properties(_ distributions: [IntensityDistribution]) -> IntensityProperties {
            IntensityDistribution.merged(distributions).properties!
        }
        let ofA = try merge.fingerprint(ofSite: "a").foregroundIntensities
        expectEqual(ofA[0], properties(a.map { $0.intensities[0] }))
        expectEqual(ofA[1], properties(a.map { $0.intensities[1] } + b.map { $0.intensities[0] }))
        #expect(try merge.fingerprint(ofSite: "b").foregroundIntensities == [ofA[1]])
        let ofC = try merge.fingerprint(ofSite: "c").foregroundIntensities
        expectEqual(ofC[0], properties(c.map { $0.intensities[0] }))
        expectEqual(ofC[1], properties(c.map { $0.intensities[1] }))
        #expect(throws: NNUNetError.self) {
            try merge.fingerprint(forChannels: [ChannelKey(modality: "PET", name: "PET")])
        }
    }

    @Test func fewerCasesThanAllowedAreRefused() throws {
        let cases = (0..<4).map { Self.makeCase($0, [$0 == 0 ? [] : [1, 2]]) }
        let error = #expect(throws: NNUNetError.self) {
            try LocalFingerprint(cases, channels: channels, smallestNumberOfCases: 5)
        }
        #expect("\(error!)".contains("fewer than the 5 cases"))
        // Four cases, of which three have foreground.
        #expect(throws: NNUNetError.self) {
            try LocalFingerprint(cases, channels: channels, smallestNumberOfCases: 4)
        }
        #expect(throws: Never.self) { try LocalFingerprint(cases, channels: channels, smallestNumberOfCases: 3) }
    }

    @Test func answersNameNoCaseAndHideTheirOrder() throws {
        var random = Generator(seed: 8)
        let cases = (0..<8).map { Self.makeCase($0, [Self.values(50, &random) { $0 }]) }
        let forward = try LocalFingerprint(cases, channels: channels)
        let backward = try LocalFingerprint(cases.reversed(), channels: channels)
        guard case .summary(let a) = try forward.answer(.summary(withQuantiles: true)),
            case .summary(let b) = try backward.answer(.summary(withQuantiles: true))
        else { return #expect(Bool(false)) }
        #expect(a.geometries == b.geometries && a.relativeSizes == b.relativeSizes)
        #expect(a.geometries == a.geometries.sorted() && a.relativeSizes == a.relativeSizes.sorted())
        #expect(a.intensities[0].quantiles == b.intensities[0].quantiles)
        guard case .summary(let less) = try forward.answer(.summary(withQuantiles: false)) else { return }
        #expect(less.intensities[0].quantiles == nil)
    }

    @Test func aServerThatAsksForMoreIsRefused() throws {
        let site = try LocalFingerprint([Self.makeCase(0, [[1, 2, 3]])], channels: channels)
        let wanted = (0..<4).map {
            FingerprintQuestion.Histogram(channel: channels[0], range: IntensityRange(Float($0), 9))
        }
        #expect(throws: NNUNetError.self) { try site.answer(.histograms(wanted: wanted)) }
        let upsideDown = FingerprintQuestion.Histogram(channel: channels[0], range: IntensityRange(9, 1))
        #expect(throws: NNUNetError.self) { try site.answer(.histograms(wanted: [upsideDown])) }
        let absent = FingerprintQuestion.Histogram(
            channel: ChannelKey(modality: "CT", name: "CT"), range: IntensityRange(0, 1))
        #expect(try site.answer(.histograms(wanted: [absent])) == .histograms(found: []))
    }

    @Test func answersThatCannotBeAreRefusedAndChangeNothing() throws {
        var random = Generator(seed: 4)
        let sites = try ["a", "b"].map { _ in
            try LocalFingerprint(
                (0..<3).map { Self.makeCase($0, [Self.values(300, &random) { $0 }]) }, channels: channels)
        }
        var merge = FingerprintMerge()
        let first = try #require(merge.question)
        guard case .summary(let good) = try sites[0].answer(first) else { return #expect(Bool(false)) }
        let spoilers: [(inout FingerprintSummary) -> Void] = [
            { $0.geometries[0].spacing[1] = .nan }, { $0.geometries = [] }, { $0.relativeSizes[0] = 2 },
            { $0.intensities[0].moments.mean = .infinity }, { $0.intensities[0].moments.cases = 4 },
            { $0.intensities[0].min = 0.1 }, { $0.intensities[0].moments.squares = -1 },
            { $0.intensities.append($0.intensities[0]) }, { $0.channels = [] },
        ]
        for spoil in spoilers {
            var summary = good
            spoil(&summary)
            let before = merge
            let error = #expect(throws: NNUNetError.self) {
                try merge.next(["a": sites[0].answer(first), "b": .summary(found: summary)])
            }
            #expect("\(error!)".contains("site b"))
            #expect(merge == before)
        }
        #expect(throws: NNUNetError.self) { try merge.next([:]) }
        let second = try #require(try merge.next(["a": sites[0].answer(first), "b": sites[1].answer(first)]))
        let before = merge
        // One site left out, one answering for the other, one whose data changed, one that answers the first question again.
        guard case .histograms(var changed) = try sites[1].answer(second) else { return #expect(Bool(false)) }
        changed[0].shares[0] += 1
        for bad in [.histograms(found: changed), .summary(found: good), .histograms(found: [])] as [FingerprintAnswer] {
            #expect(throws: NNUNetError.self) { try merge.next(["a": sites[0].answer(second), "b": bad]) }
        }
        #expect(throws: NNUNetError.self) { try merge.next(["a": sites[0].answer(second)]) }
        #expect(throws: NNUNetError.self) {
            try merge.next([
                "a": sites[0].answer(second), "b": sites[1].answer(second), "c": sites[1].answer(second),
            ])
        }
        #expect(throws: NNUNetError.self) { try merge.fingerprint(forChannels: channels) }
        #expect(merge == before)
    }

    @Test func weightedAverageIsFednnUNets() throws {
        func fingerprint(_ cases: Int, _ v: Double, min: Double, max: Double) -> DatasetFingerprint {
            DatasetFingerprint(
                shapesAfterCrop: (0..<cases).map { [$0 + 1, 2, 3] }, spacings: (0..<cases).map { _ in [v, 1, 1] },
                foregroundIntensities: [
                    IntensityProperties(
                        max: max, mean: v, median: v + 1, min: min, percentile005: v + 2, percentile995: v + 3,
                        std: v + 4)
                ], medianRelativeSizeAfterCropping: v / 10)
        }
        let merged = try FingerprintMerge.weightedAverage([
            fingerprint(3, 2, min: -5, max: 50), fingerprint(1, 6, min: -7, max: 20),
        ])
        #expect(
            merged.foregroundIntensities == [
                IntensityProperties(max: 50, mean: 3, median: 4, min: -7, percentile005: 5, percentile995: 6, std: 7)
            ])
        #expect(abs(merged.medianRelativeSizeAfterCropping - 0.3) < 1e-15)
        #expect(merged.shapesAfterCrop == [[1, 2, 3], [2, 2, 3], [3, 2, 3], [1, 2, 3]])
        #expect(merged.spacings == [[2, 1, 1], [2, 1, 1], [2, 1, 1], [6, 1, 1]])
        #expect(throws: NNUNetError.self) { try FingerprintMerge.weightedAverage([]) }
    }

    @Test func weightedAverageInOnePassIsThatOfTheSitesFingerprints() throws {
        var random = Generator(seed: 6)
        let cases = (0..<7).map { n in Self.makeCase(n, [Self.values(90, &random) { $0 + Float(n) }]) }
        let parts = [Array(cases[..<2]), Array(cases[2...])]
        var merge = FingerprintMerge(.weightedAverage)
        let question = try #require(merge.question)
        let answers = try parts.map { try LocalFingerprint($0, channels: channels).answer(question) }
        #expect(try merge.next(["x": answers[0], "y": answers[1]]) == nil)
        let expected = try FingerprintMerge.weightedAverage(parts.map { try #require(DatasetFingerprint($0)) })
        let merged = try merge.fingerprint(ofSite: "x")
        #expect(merged.foregroundIntensities == expected.foregroundIntensities)
        #expect(merged.medianRelativeSizeAfterCropping == expected.medianRelativeSizeAfterCropping)
        let exact = try #require(DatasetFingerprint(cases))
        #expect(merged.foregroundIntensities[0].std < 0.9 * exact.foregroundIntensities[0].std)
    }
}

/// The same over real images.
@Suite(.enabled(if: SharedData.url("data/Task04_Hippocampus") != nil, "real images are not here"))
struct FederatedHippocampusTests {
    @Test func anySplitGivesTheCentralPlans() throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "cohort-ffe-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        let raw = try RawDataset(
            folder: MSDConversion(SharedData.url("data/Task04_Hippocampus")!).run(into: scratch))
        #expect(raw.cases.count == 200)
        let cases = try FingerprintExtractor(raw).cases()
        let centralised = try #require(DatasetFingerprint(cases))
        let channels = ChannelKey.keys(of: raw.description.channelNames, modality: "MR")
        for sites in [2, 4, 20] {
            for split in 1...3 {
                let federation = try Federation(
                    cases, sites: sites, channels: channels, shuffledBy: UInt64(1000 * sites + split))
                try federation.expectEqual(centralised: centralised, dataset: raw)
            }
        }
    }
}

/// Sites whose questions and answers travel as JSON, as does the merge between passes.
private struct Federation {
    var sites: [String: LocalFingerprint]

    init(_ sites: [String: LocalFingerprint]) { self.sites = sites }

    /// Every site gets at least one case; how many, differs.
    init(_ cases: [CaseFingerprint], sites count: Int, channels: [ChannelKey], shuffledBy seed: UInt64) throws {
        var random = Generator(seed: seed)
        let shuffled = cases.shuffled(using: &random)
        let cuts = [0] + (1..<cases.count).shuffled(using: &random).prefix(count - 1).sorted() + [cases.count]
        sites = [:]
        for (index, (start, end)) in zip(cuts, cuts.dropFirst()).enumerated() {
            sites["site-\(index)"] = try LocalFingerprint(Array(shuffled[start..<end]), channels: channels)
        }
    }

    func merge() throws -> FingerprintMerge {
        var merge = FingerprintMerge()
        var passes = 0
        while let question = merge.question {
            passes += 1
            #expect(passes <= 3)
            let asked = try travelled(question)
            let answers = try sites.mapValues { try travelled($0.answer(asked)) }
            _ = try merge.next(answers)
            merge = try travelled(merge)
        }
        return merge
    }

    func expectEqual(centralised: DatasetFingerprint, dataset: RawDataset) throws {
        let merge = try merge()
        for site in merge.sites {
            let merged = try merge.fingerprint(ofSite: site)
            NNUNetTests.expectEqual(merged, centralised)
            var description = dataset.description
            description.numTraining = merge.cases
            let reader = try dataset.imageReaderWriter()
            for preset in [PlannerPreset.standard, .residualEncoderM] {
                let plans = try [(description, merged), (dataset.description, centralised)].map {
                    try ExperimentPlanner(preset).plan(
                        $0.0, fingerprint: $0.1, datasetName: "Dataset004", imageReaderWriter: reader
                    ).json
                }
                let key = "foreground_intensity_properties_per_channel"
                for other in plans[1].keys where other != key {
                    #expect(plans[0][other] == plans[1][other], "\(other)")
                }
                #expect(plans[0].keys == plans[1].keys)
            }
        }
    }

    /// A value after it was written as JSON and read again; nothing that the tests' cases are called by is in the text.
    private func travelled<Value: Codable & Equatable>(_ value: Value) throws -> Value {
        let text = try JSONEncoder().encode(value)
        for word in ["phantom", "hippocampus", ".nii"] {
            #expect(!String(decoding: text, as: UTF8.self).lowercased().contains(word))
        }
        let read = try JSONDecoder().decode(Value.self, from: text)
        #expect(read == value)
        return read
    }
}

/// Geometry as a multiset; extremes and quantiles to the bit; moments within 1e-9.
private func expectEqual(_ merged: DatasetFingerprint, _ centralised: DatasetFingerprint) {
    func geometries(_ fingerprint: DatasetFingerprint) -> [CaseGeometry] {
        zip(fingerprint.shapesAfterCrop, fingerprint.spacings).map { CaseGeometry(shape: $0, spacing: $1) }.sorted()
    }
    #expect(geometries(merged) == geometries(centralised))
    #expect(merged.medianRelativeSizeAfterCropping == centralised.medianRelativeSizeAfterCropping)
    #expect(merged.foregroundIntensities.count == centralised.foregroundIntensities.count)
    for (a, b) in zip(merged.foregroundIntensities, centralised.foregroundIntensities) { expectEqual(a, b) }
}

private func expectEqual(_ a: IntensityProperties, _ b: IntensityProperties) {
    #expect(a.min == b.min && a.max == b.max)
    #expect(a.median == b.median && a.percentile005 == b.percentile005 && a.percentile995 == b.percentile995)
    #expect(abs(a.mean - b.mean) <= 1e-9 * max(abs(b.mean), b.std))
    #expect(abs(a.std - b.std) <= 1e-9 * b.std)
}

/// Random numbers that are the same in every run.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_f491_4f6c_dd1d
    }
}
