import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension StudySite {
    /// Writes the site's own report among its results, with pictures by its last model.
    ///
    /// - Parameter count: cases that are drawn.
    /// - Returns: why there are no pictures, in words that may name a case: for the site's own eyes.
    func write(_ report: SiteReport, showing count: Int, engine: any StudyEngine) async throws -> String? {
        try await report.write(to: folders.results, showing: count, of: count > 0 ? caseOverlays() : nil) {
            [self] images, output in
            var order = PredictionOrder(
                images: images, output: output, model: modelFolder, configuration: plan.configuration, fold: fold,
                device: device)
            // A look at the cases, not a score: one pass is enough.
            order.mirroring = false
            try await engine.predict(order)
        }
    }

    /// Nil where the site has no model, since it was left out of the run.
    private func caseOverlays() throws -> CaseOverlays? {
        let model = modelFolder.appending(path: fold.folderName).appending(path: "checkpoint_final.pth")
        guard FileManager.default.fileExists(atPath: model.path) else { return nil }
        let raw = try RawDataset(folder: folders.raw.appending(path: dataset))
        return CaseOverlays(raw, validation: try split(of: raw).validation)
    }

    /// Which of its cases it trains on, and which it validates with; after preparation.
    func split(of raw: RawDataset) throws -> Split {
        let names = raw.cases.map(\.identifier)
        guard fold != .all else { return Split(train: names, validation: names) }
        let file = folders.preprocessed.appending(path: dataset).appending(path: "splits_final.json")
        return try Splits(contentsOf: file).split(fold, of: names)
    }
}
