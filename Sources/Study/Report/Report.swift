#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// report.html: what a federated run did, on one page that needs no network, no scripts and no other file.
///
/// The page holds aggregates alone. Paths and names of files in reasons are left out of it, since they can name cases.
public enum Report {
    /// A picture of one of the site's cases with its labels drawn over it; only ``SiteReport`` shows one.
    public struct SiteOverlay: Sendable {
        /// Which case it is.
        public var title: String
        /// How well it was segmented.
        public var note: String
        public var png: [UInt8]

        public init(title: String, note: String = "", png: [UInt8]) {
            self.title = title
            self.note = note
            self.png = png
        }
    }

    /// The page of a whole run. It has no images.
    public static func html(
        records: [RoundRecord], matrix: CrossSiteMatrix? = nil, facts: RunFacts, tables: [ComparisonTable] = []
    ) -> String {
        html(records: records, matrix: matrix, facts: facts, tables: tables, own: nil)
    }

    /// What only the page of a single site has.
    struct OwnPart {
        var site: String
        var overlays: [SiteOverlay]
    }

    static func html(
        records: [RoundRecord], matrix: CrossSiteMatrix?, facts: RunFacts, tables: [ComparisonTable], own: OwnPart?
    ) -> String {
        let history = RunHistory(records, facts: facts)
        let sections: [HTML] = [
            HeaderSection(facts: facts, history: history, site: own?.site).html,
            OverlaysSection(overlays: own?.overlays ?? []).html,
            CurvesSection(history: history).html,
            SitesSection(facts: facts, history: history).html,
            tables.map { ComparisonSection(table: $0).html }.joined(),
            matrix.map { MatrixSection(matrix: $0, metric: facts.metric).html } ?? .empty,
            FailuresSection(history: history).html,
        ]
        let footer: HTML =
            own?.overlays.isEmpty ?? true
            ? "Made by Cohort. This page holds no images and no names of cases."
            : "<strong>This page shows images of patients: it stays at this site.</strong> Made by Cohort."
        let page: HTML = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" \
            content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(facts.task) · \(own?.site ?? "federated run")</title>
            <style>\(ReportStyle.css)</style></head>
            <body><main>\(sections)<footer>\(footer)</footer></main></body></html>

            """
        return page.text
    }

    /// Writes the page under a temporary name and gives it its own when it is whole.
    public static func write(_ html: String, to url: URL) throws {
        do { try Data(html.utf8).write(to: url, options: .atomic) } catch {
            throw StudyError.file(
                url.lastPathComponent,
                reason: "cannot be written. Is the disk full, or the folder missing or read-only?")
        }
    }
}
