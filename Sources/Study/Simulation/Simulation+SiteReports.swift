import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Simulation {
    /// Each site's own report, in its own folder: what the site would make for itself.
    func writeSiteReports(_ outcome: FederatedRun.Outcome) async throws {
        for site in sites {
            let report = SiteReport(
                of: site.name, records: outcome.records, facts: outcome.facts, matrix: outcome.matrix)
            let fault = try await report.write(
                to: site.folders.results, showing: run.validation.overlays, of: caseOverlays(of: site)
            ) { [tools] images, output in
                var order = PredictionOrder(
                    images: images, output: output, model: site.modelFolder,
                    configuration: site.plan.configuration, fold: site.fold, device: site.device)
                // A look at the cases, not a score: one pass is enough.
                order.mirroring = false
                try await tools.predict(order)
            }
            if let fault { print("\(site.name): its own report has no pictures: \(fault)") }
        }
    }

    /// Nil where the site has no model, since it was left out of the run, or where nothing is to be drawn.
    private func caseOverlays(of site: StudySite) throws -> CaseOverlays? {
        let model = site.modelFolder.appending(path: site.fold.folderName).appending(path: "checkpoint_final.pth")
        guard run.validation.overlays > 0, FileManager.default.fileExists(atPath: model.path) else { return nil }
        let raw = try raw(site)
        return CaseOverlays(raw, validation: try site.split(of: raw).validation)
    }
}

extension StudySite {
    /// Which of its cases it trains on, and which it validates with; after preparation.
    func split(of raw: RawDataset) throws -> Split {
        let names = raw.cases.map(\.identifier)
        guard fold != .all else { return Split(train: names, validation: names) }
        let file = folders.preprocessed.appending(path: dataset).appending(path: "splits_final.json")
        return try Splits(contentsOf: file).split(fold, of: names)
    }
}
