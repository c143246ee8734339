#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// report.html of one site, made by the site for itself: its own curves and figures, and pictures of its own cases.
///
/// It stands in the site's folder and never leaves it. All that it needs is at the site, in whatever process that runs:
/// the site's own records, and what the server told of the global model.
public struct SiteReport: Sendable {
    public var site: String
    public var records: [RoundRecord]
    public var facts: RunFacts
    public var matrix: CrossSiteMatrix?

    /// Takes from a run's records, facts and matrix what concerns one site.
    public init(of site: String, records: [RoundRecord], facts: RunFacts, matrix: CrossSiteMatrix? = nil) {
        self.site = site
        self.records = records.map { $0.seen(by: site) }
        self.facts = facts
        self.facts.sites = facts.sites.filter { $0.name == site }
        self.matrix = matrix.flatMap { $0.row(of: site) }
    }

    /// The page.
    public func html(overlays: [Report.SiteOverlay] = []) -> String {
        Report.html(
            records: records, matrix: matrix, facts: facts, tables: [], own: .init(site: site, overlays: overlays))
    }

    /// Writes the page into the site's folder; where its cases cannot be drawn, without pictures.
    ///
    /// - Parameters:
    ///   - count: cases that are drawn; 0 draws none and predicts nothing.
    ///   - predict: segments a folder of images with the site's last model.
    /// - Returns: why there are no pictures, in words that may name a case: for the site's own eyes.
    public func write(
        to folder: URL, showing count: Int, of cases: CaseOverlays?, predict: CaseOverlays.Predict
    ) async throws -> String? {
        var overlays: [Report.SiteOverlay] = []
        var fault: String?
        do {
            overlays =
                try await cases?.draw(count, scratch: folder.appending(path: ".overlays"), predict: predict) ?? []
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            fault = "\(error)"
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Report.write(html(overlays: overlays), to: folder.appending(path: "report.html"))
        return fault
    }
}

extension RoundRecord {
    /// The same round with one site alone: its time, and what it sent and received.
    func seen(by name: String) -> RoundRecord {
        let own = sites.filter { $0.name == name }
        var record = self
        record.sites = own
        record.seconds = own.first.map { $0.seconds.isFinite ? ["training": $0.seconds] : [:] } ?? [:]
        record.bytesDown = own.map(\.bytesReceived).reduce(0, +)
        record.bytesUp = own.map(\.bytesSent).reduce(0, +)
        return record
    }
}

extension CrossSiteMatrix {
    /// Every model on one site's data; nil where there is no such row.
    func row(of site: String) -> CrossSiteMatrix? {
        guard sites.contains(site) else { return nil }
        var row = CrossSiteMatrix(sites: [site], models: models)
        for model in models { row[site, model] = self[site, model] }
        return row
    }
}
