import Federation
import Imaging
import Learning
import NNUNet
import Study
import Testing
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite(.serialized) struct FederatedRunTests {
    private func federatedRun(
        _ data: PhantomFederation, _ name: String, rounds: Int = 2,
        _ configure: (inout Strategy, inout RunSettings, inout NNUNetPreparation.Order) -> Void = { _, _, _ in }
    ) -> FederatedRun {
        var strategy = Strategy()
        var settings = RunSettings(rounds: rounds)
        var order = NNUNetPreparation.Order()
        configure(&strategy, &settings, &order)
        return FederatedRun(
            title: name,
            sites: data.hospitals.indices.map {
                let learner = data.learner($0, run: name)
                let name = data.hospitals[$0].name
                return FederatedRun.Site(name: name) { [strategy] in
                    InProcessLink(Federation.Site(name: name, learner: learner, filters: strategy.filters))
                }
            }, settings: settings, strategy: strategy, preparation: order, output: data.url.appending(path: name))
    }

    @Test func threeHospitalsTrainOneModel() async throws {
        let data = try PhantomFederation([.init(name: "north"), .init(name: "south", cases: 8), .init(name: "west")])
        let outcome = try await federatedRun(data, "run").run { _ in }
        #expect(
            outcome.result.reports.map(\.participants) == [["north", "south", "west"], ["north", "south", "west"]])
        #expect(outcome.records.last?.globalMetrics["dice"]?.isFinite == true)
        // The plan is the one of all cases in one place, but for the dataset's name.
        let raws = try data.hospitals.indices.map {
            try RawDataset(folder: data.folders("").raw.appending(path: data.dataset($0)))
        }
        let all = try raws.flatMap { try FingerprintExtractor($0).cases() }
        let merged = try LocalFingerprint(all, channels: ChannelKey.keys(of: ["T1w"], modality: "MR"))
        var merge = FingerprintMerge()
        while let question = merge.question { try merge.next(["all": merged.answer(question)]) }
        var description = raws[0].description
        description.numTraining = all.count
        let plans = try ExperimentPlanner().plan(
            description, fingerprint: merge.fingerprint(ofSite: "all"), datasetName: data.dataset(0),
            imageReaderWriter: raws[0].imageReaderWriter())
        let own = try Plans(
            contentsOf: data.folders("run").preprocessed.appending(path: data.dataset(0)).appending(
                path: "nnUNetPlans.json"))
        #expect(own.json["configurations"] == plans.json["configurations"])

        // The global model predicts, as nnU-Net's results folder.
        let model = ModelFolder(try #require(outcome.models.first))
        let prediction = try PredictionModel(
            model, configuration: model.plans.configuration("3d_fullres"), dataset: model.dataset, folds: [.number(0)],
            checkpoint: "checkpoint_final.pth")
        #expect(prediction.folds.first?.names.count == outcome.result.plan.sites[0].tensors.count)
        // Every site has its own last and best.
        for index in data.hospitals.indices {
            let fold = data.folders("run").modelFolder(
                dataset: data.dataset(index), trainer: "nnUNetTrainer", plans: "nnUNetPlans",
                configuration: "3d_fullres"
            ).appending(path: "fold_0")
            for name in ["checkpoint_final.pth", "checkpoint_best.pth"] {
                #expect(FileManager.default.fileExists(atPath: fold.appending(path: name).path), "\(name)")
            }
        }
        let matrix = try #require(outcome.matrix)
        #expect(matrix.models.count == 5)
        for site in matrix.sites { for model in matrix.models { #expect(matrix[site, model]?.value("dice") != nil) } }
    }

    /// A server that asks for first weights after a round gets those of a fresh network, and the next round is as it was.
    @Test func firstWeightsAreNeverTrainedOnes() async throws {
        let data = try PhantomFederation([.init(name: "north")])
        func site(_ run: String) async throws -> (NNUNetLearner, Weights) {
            let learner = data.learner(0, run: run)
            _ = try await learner.answer(JSONEncoder().encode(NNUNetQuestion.prepareAlone(PlanningOrder())))
            return (learner, try await learner.initialWeights())
        }
        func round(_ number: Int, _ learner: NNUNetLearner, _ model: Weights) async throws -> Weights {
            try await learner.train(TrainTask(round: number, rounds: 2, model: model)).tensors.weights()
        }
        let (left, first) = try await site("left")
        let (asked, same) = try await site("asked")
        #expect(first == same)
        let (a, b) = (try await round(1, left, first), try await round(1, asked, first))
        #expect(a == b && a != first)
        #expect(try await asked.initialWeights() == first)
        #expect(try await round(2, left, a) == round(2, asked, b))
        // Nor what the server itself put in.
        try await asked.finish(a)
        #expect(try await asked.initialWeights() == first)
    }

    /// The last round is lost, as a kill before its end loses it.
    @Test func aRunThatIsTakenUpEndsWithTheSameBits() async throws {
        let data = try PhantomFederation([.init(name: "north"), .init(name: "south")])
        let expected = try await federatedRun(data, "whole", rounds: 3).run { _ in }.result.global
        _ = try await federatedRun(data, "killed", rounds: 3).run { _ in }
        let journal = data.url.appending(path: "killed/server/journal.jsonl")
        let lines = try String(decoding: Data(contentsOf: journal), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 7)
        // Settings, preparation, first model, and the first two rounds.
        try (lines.prefix(5).joined(separator: "\n") + "\n").write(to: journal, atomically: true, encoding: .utf8)
        // Another run prepared one site's data for itself since, and the other's are gone.
        let preprocessed = data.folders("killed").preprocessed
        let north = preprocessed.appending(path: data.dataset(0))
        let question = NNUNetQuestion.prepareAlone(PlanningOrder(targetSpacing: [4, 2, 2]))
        _ = try await data.learner(0, run: "other", preprocessed: preprocessed).answer(JSONEncoder().encode(question))
        #expect(
            try Plans(contentsOf: north.appending(path: "nnUNetPlans.json")).configuration("3d_fullres").spacing
                == [4, 2, 2])
        try FileManager.default.removeItem(at: preprocessed.appending(path: data.dataset(1)))
        let again = try await federatedRun(data, "killed", rounds: 3).run { _ in }
        #expect(again.result.reports.count == 3)
        #expect(again.result.global == expected)
        #expect(again.records.map(\.round) == [1, 2, 3])
    }

    @Test func twoModalitiesShareABackbone() async throws {
        let data = try PhantomFederation([
            .init(name: "ct", modality: .ct, labels: 3), .init(name: "mr1"), .init(name: "mr2"),
        ])
        let run = federatedRun(data, "run") { strategy, settings, order in
            strategy.sharing = Sharing(.backbone)
            strategy.weighting = SiteWeighting(.examples, groups: ["CT": 0.6, "MR": 0.4])
            strategy.keepsModelOfEachModality = true
            settings.warmUpRounds = 1
            order.targetSpacings = ["ct": [4, 2, 2], "mr1": [2, 1, 1]]
        }
        let outcome = try await run.run { _ in }
        #expect(outcome.result.ofModality.keys.sorted() == ["CT", "MR"])
        for (modality, dataset) in [("CT", 0), ("MR", 1)] {
            let fold = data.url.appending(path: "run/server/modalities/\(modality)/nnUNet_results").appending(
                path: "\(data.dataset(dataset))/nnUNetTrainer__nnUNetPlans__3d_fullres/fold_0")
            for name in ["checkpoint_latest.pth", "checkpoint_best.pth", "checkpoint_final.pth"] {
                #expect(FileManager.default.fileExists(atPath: fold.appending(path: name).path), "\(modality) \(name)")
            }
        }
        // One model for the CT's channels and labels, one for the MRs'.
        #expect(outcome.models.count == 2)
        let heads = outcome.result.plan.shares.filter { $0.tensor.name.contains("seg_layers") }
        #expect(Set(heads.map { $0.members.keys.sorted() }) == [["ct"], ["mr1", "mr2"]])
        let plans = try Plans(
            contentsOf: data.folders("run").preprocessed.appending(path: data.dataset(0)).appending(
                path: "nnUNetPlans.json"))
        #expect(try plans.configuration("3d_fullres").spacing == [4, 2, 2])
        // A site's model on another's labels has no place in the matrix, and says so.
        guard case .missing(let reason)? = outcome.matrix?["ct", "mr1"] else {
            Issue.record("the CT site judged an MR model of other labels")
            return
        }
        #expect(reason.contains("other channels or labels"))
    }

    @Test func sitesMayPlanForThemselves() async throws {
        let data = try PhantomFederation([.init(name: "north"), .init(name: "south", cases: 12)])
        let outcome = try await federatedRun(data, "run") { _, _, order in order.fingerprint = nil }.run { _ in }
        #expect(outcome.prepared.sites.values.allSatisfy { $0.fingerprint == nil })
        #expect(outcome.result.reports.count == 2)
    }

    /// In a union of labels, a site has no figure of what it has not annotated, and the global model still learns it elsewhere.
    @Test func aUnionLeavesOpenWhatASiteHasNotAnnotated() async throws {
        let data = try PhantomFederation([.init(name: "north"), .init(name: "south", labels: 3)])
        let folders = data.folders("run")
        let raws = try [0, 1].map { try RawDataset(folder: folders.raw.appending(path: data.dataset($0))) }
        let harmonised = try LabelHarmonisation(
            zip(["north", "south"], raws).map { (name: $0, description: $1.description) }, rule: .union)
        let written = try harmonised.write(raws, as: NewRawDatasets(["north", "south"], firstID: 401, in: folders))
        var run = federatedRun(data, "run", rounds: 1)
        run.sites = zip(["north", "south"], written).map { name, folder in
            var site = data.learner(0, run: "run").site
            site.dataset = folder.lastPathComponent
            let learner = NNUNetLearner(site)
            return FederatedRun.Site(name: name) {
                InProcessLink(Federation.Site(name: name, learner: learner))
            }
        }
        let outcome = try await run.run { _ in }
        let sites = outcome.result.reports[0].sites
        #expect(sites.map(\.part) == [.took, .took])
        let missing = "dice/\(harmonised.mappings[0].missing[0])"
        let figures = sites.map { $0.validation?.metrics ?? [:] }
        #expect(figures[0][missing]?.isNaN == true && figures[0]["dice"]?.isFinite == true)
        #expect(figures[1][missing]?.isFinite == true)
        #expect(outcome.result.reports[0].validation[missing] == figures[1][missing])
        // One kind: all is shared, and one global model has all labels.
        #expect(Set(outcome.result.plan.sites.map(\.kind)).count == 1 && outcome.models.count == 1)
    }

    @Test func fedProxHoldsSitesBack() async throws {
        let data = try PhantomFederation([.init(name: "north"), .init(name: "south")])
        func moved(_ name: String, _ mu: Double) async throws -> Double {
            let run = federatedRun(data, name, rounds: 1) { strategy, _, _ in
                strategy.content = .difference
                strategy.proximalTerm = mu
                strategy.validationInterval = 0
            }
            let result = try await run.run { _ in }.result
            let start = try WeightsFile(data.url.appending(path: name).appending(path: "server/initial.safetensors"))
                .weights()
            return result.global.minus(start).tensors.reduce(0) { sum, tensor in
                sum + tensor.floats!.reduce(0) { $0 + Double($1 * $1) }
            }.squareRoot()
        }
        let free = try await moved("free", 0)
        let held = try await moved("held", 50)
        #expect(held < free)
    }
}
