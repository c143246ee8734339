import Foundation
import Imaging
import NNUNet
import Testing

@Suite struct EvaluationTests {
    /// Reference 0 1 1 2 3, prediction 0 1 2 2 1.
    static let reference = Volume<Float>(shape: [1, 1, 1, 5], elements: [0, 1, 1, 2, 3])
    static let prediction = Volume<Float>(shape: [1, 1, 1, 5], elements: [0, 1, 2, 2, 1])

    @Test func countsOfLabelsAndRegions() throws {
        let evaluator = Evaluator(
            classes: [EvaluationClass(label: 1), EvaluationClass(region: [1, 2]), EvaluationClass(label: 9)],
            surfaceTolerance: nil)
        let metrics = try evaluator.metrics(
            reference: Self.reference, prediction: Self.prediction, spacing: [1, 1, 1], name: "c")
        #expect(
            metrics[0]
                == SegmentationMetrics(truePositives: 1, falsePositives: 1, falseNegatives: 1, trueNegatives: 2))
        #expect(
            metrics[1]
                == SegmentationMetrics(truePositives: 3, falsePositives: 1, falseNegatives: 0, trueNegatives: 1))
        #expect(metrics[0].dice == 0.5 && metrics[0].iou == 1.0 / 3)
        #expect(metrics[2].dice.isNaN && metrics[2].trueNegatives == 5)
    }

    @Test func ignoredVoxelsCountNowhere() throws {
        let evaluator = Evaluator(classes: [EvaluationClass(label: 1)], ignoreLabel: 3)
        let metrics = try evaluator.metrics(
            reference: Self.reference, prediction: Self.prediction, spacing: [1, 1, 1], name: "c")
        #expect(metrics[0].truePositives == 1 && metrics[0].falsePositives == 0 && metrics[0].falseNegatives == 1)
        #expect(metrics[0].trueNegatives == 2)
    }

    @Test func otherShapesAreNamed() {
        let evaluator = Evaluator(classes: [EvaluationClass(label: 1)])
        let error = #expect(throws: NNUNetError.self) {
            try evaluator.metrics(
                reference: Self.reference, prediction: Volume(shape: [1, 1, 1, 4], repeating: 0), spacing: [1, 1, 1],
                name: "case_7")
        }
        #expect(error.map { "\($0)" }?.contains("case_7") == true)
    }

    @Test func summaryIsNNUNets() throws {
        let metrics = [
            SegmentationMetrics(truePositives: 1, falsePositives: 0, falseNegatives: 1, trueNegatives: 3),
            SegmentationMetrics(truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 5),
        ]
        let summary = EvaluationSummary(
            classes: [EvaluationClass(label: 1), EvaluationClass(region: [1, 2])],
            cases: [.init(reference: "r/a.nii.gz", prediction: "p/a.nii.gz", metrics: metrics)])
        let text = JSONValue.object(summary.json).serialised(indent: nil, sortKeys: true)
        let nothing =
            #"{"Dice": NaN, "FN": 0, "FP": 0, "IoU": NaN, "TN": 5, "TP": 0, "n_pred": 0, "n_ref": 0}"#
        let something =
            #"{"Dice": 0.6666666666666666, "FN": 1, "FP": 0, "IoU": 0.5, "TN": 3, "TP": 1, "n_pred": 1, "n_ref": 2}"#
        #expect(
            text.contains(#""metrics": {"(1, 2)": \#(nothing), "1": \#(something)}, "prediction_file": "p/a.nii.gz""#))
        #expect(
            text.hasPrefix(
                #"{"foreground_mean": {"Dice": NaN, "FN": 0.5, "FP": 0.0, "IoU": NaN, "TN": 4.0, "TP": 0.5"#))
    }

    @Test func missingFilesAreNamed() throws {
        try withScratchFolder { folder in
            let references = folder.appendingPathComponent("r")
            let predictions = folder.appendingPathComponent("p")
            for url in [references, predictions] {
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            }
            let labels = Volume<UInt16>(shape: [2, 3, 4], elements: (0..<24).map { UInt16($0 % 3) })
            let geometry = ImageGeometry.simpleITK(
                spacing: [1, 1, 1], origin: [0, 0, 0], direction: [1, 0, 0, 0, 1, 0, 0, 0, 1])
            func write(_ url: URL) throws {
                try ImageReaderWriter.simpleITK.writeSegmentation(
                    labels, geometry: geometry, spacing: [1, 1, 1], to: url)
            }
            for name in ["a.nii.gz", "b.nii.gz"] { try write(references.appendingPathComponent(name)) }
            #expect(throws: NNUNetError.self) {
                try Evaluator.evaluateSimple(references: references, predictions: predictions, labels: [1, 2])
            }
            try write(predictions.appendingPathComponent("a.nii.gz"))
            let error = #expect(throws: NNUNetError.self) {
                try Evaluator.evaluateSimple(references: references, predictions: predictions, labels: [1, 2])
            }
            #expect(error.map { "\($0)" }?.contains("b.nii.gz") == true)
            let summary = try Evaluator.evaluateSimple(
                references: references, predictions: predictions, labels: [1, 2], allowsMissing: true)
            #expect(summary.cases.count == 1)
            #expect(summary.foregroundMean("Dice") == 1 && summary.foregroundMean("HD95") == 0)
            #expect(summary.foregroundMean("NSD") == 1)
            try write(predictions.appendingPathComponent("stranger.nii.gz"))
            #expect(throws: NNUNetError.self) {
                try Evaluator.evaluateSimple(
                    references: references, predictions: predictions, labels: [1, 2], allowsMissing: true)
            }
        }
    }

    /// A folder that nnU-Net scores as well; `scripts/compare/evaluation.py` has the other half.
    @Test(.enabled(if: exchange != nil, "only with COHORT_EVALUATION, from scripts/compare/evaluation.py"))
    func exchangeWithNNUNet() throws {
        let folder = try #require(exchange)
        for (name, ending) in [("labels", ""), ("regions", "_regions")] {
            let dataset = try DatasetDescription(contentsOf: folder.appendingPathComponent("dataset_\(name).json"))
            let clock = ContinuousClock()
            let time = try clock.measure {
                for tolerance in [nil, 1.0] {
                    let summary = try Evaluator.evaluateFolder(
                        references: folder.appendingPathComponent("references\(ending)"),
                        predictions: folder.appendingPathComponent("predictions\(ending)"), dataset: dataset,
                        surfaceTolerance: tolerance)
                    let file = tolerance == nil ? "ours_\(name).json" : "ours_surface_\(name).json"
                    try summary.write(to: folder.appendingPathComponent(file))
                }
            }
            print("\(name): \(time)")
        }
    }
}

private let exchange = ProcessInfo.processInfo.environment["COHORT_EVALUATION"].map { URL(fileURLWithPath: $0) }
