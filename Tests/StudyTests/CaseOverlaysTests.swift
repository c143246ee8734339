import Foundation
import NNUNet
import Study
import Synchronization
import Testing

@Suite struct CaseOverlaysTests {
    /// A phantom's raw dataset, and the names of its training cases.
    private func dataset(in folder: URL, cases: Int) throws -> RawDataset {
        let phantom = try Phantom(
            modality: .mr, labels: 2, size: [8, 20, 20], spacing: [2, 1, 1], scanners: 1, channels: 1, seed: 3)
        let target = folder.appending(path: "Dataset301_Overlays")
        try PhantomDataset(phantom, trainingCases: cases, testCases: 0).write(to: target)
        return try RawDataset(folder: target)
    }

    private func scratch<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "overlays-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    /// The cases that were to be predicted.
    private final class Asked: Sendable {
        private let state = Mutex<[String]>([])
        func add(_ name: String) { state.withLock { $0.append(name) } }
        var names: [String] { state.withLock { $0.sorted() } }
    }

    /// Stands in for a network: the reference itself for the cases named, background for the others.
    private func predict(_ raw: RawDataset, right: Set<String>, _ asked: Asked) -> CaseOverlays.Predict {
        let labels = Dictionary(uniqueKeysWithValues: raw.cases.map { ($0.identifier, $0.label!) })
        let wrong = raw.folder.appending(path: "imagesTr")
        return { images, output in
            try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
            for raw in try RawDataset.cases(in: images, fileEnding: ".nii.gz") {
                asked.add(raw.identifier)
                let source =
                    right.contains(raw.identifier)
                    ? labels[raw.identifier]! : wrong.appending(path: "\(raw.identifier)_0000.nii.gz")
                let file = output.appending(path: raw.identifier + ".nii.gz")
                try Data(contentsOf: source).write(to: file)
            }
        }
    }

    @Test func theBestTheMedianAndTheWorstAreDrawn() async throws {
        try await scratch { folder in
            let raw = try dataset(in: folder, cases: 9)
            let names = raw.cases.map(\.identifier)
            let asked = Asked()
            let work = folder.appending(path: "work")
            let overlays = try await CaseOverlays(raw, validation: Array(names.dropFirst())).draw(
                3, scratch: work, predict: predict(raw, right: [names[5]], asked))
            #expect(overlays.map(\.png).allSatisfy { $0.starts(with: [0x89, 0x50, 0x4E, 0x47]) })
            #expect(overlays.count == 3 && overlays[0].title == "The best of 8: \(names[5])")
            #expect(overlays[0].note.hasPrefix("Dice 1.000: organ1 1.000, organ2 1.000"))
            #expect(overlays[1].title.hasPrefix("The median of 8") && overlays[2].title.hasPrefix("The worst of 8"))
            #expect(!overlays[2].note.hasPrefix("Dice 1.000"))
            // Training cases are not looked at, and nothing is left behind.
            #expect(asked.names == Array(names.dropFirst()))
            #expect(!FileManager.default.fileExists(atPath: work.path))
        }
    }

    @Test func itIsCheap() async throws {
        try await scratch { folder in
            let raw = try dataset(in: folder, cases: 11)
            let names = raw.cases.map(\.identifier)
            let asked = Asked()
            let all = CaseOverlays(raw, validation: names)
            let none = try await all.draw(
                0, scratch: folder.appending(path: "work"), predict: predict(raw, right: [], asked))
            #expect(none.isEmpty && asked.names.isEmpty)
            let two = try await all.draw(
                2, scratch: folder.appending(path: "work"), predict: predict(raw, right: Set(names), asked))
            #expect(two.count == 2 && asked.names.count == 8)
            let nobody = try await CaseOverlays(raw, validation: []).draw(
                3, scratch: folder.appending(path: "work"), predict: predict(raw, right: [], asked))
            #expect(nobody.isEmpty)
        }
    }

    /// Pictures that cannot be made cost the pictures, not the page.
    @Test func thePageIsWrittenWithoutPictures() async throws {
        try await scratch { folder in
            let raw = try dataset(in: folder, cases: 3)
            let run = SampleRun(sites: 2, rounds: 3)
            let report = SiteReport(of: "hospital_a", records: run.records, facts: run.facts)
            let fault = try await report.write(
                to: folder.appending(path: "site"), showing: 3,
                of: CaseOverlays(raw, validation: raw.cases.map(\.identifier))
            ) { _, _ in throw StudyError.setting("no model") }
            #expect(fault == "no model")
            let page = try String(contentsOf: folder.appending(path: "site/report.html"), encoding: .utf8)
            #expect(page.contains("<h1>hospital_a</h1>") && !page.contains("<img"))
        }
    }
}
