#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Pictures of a site's own cases, inside the page. For a site's own report alone.
struct OverlaysSection {
    let overlays: [Report.SiteOverlay]

    var html: HTML {
        guard !overlays.isEmpty else { return .empty }
        let figures = overlays.map { overlay -> HTML in
            """
            <figure><figcaption><h3>\(overlay.title)</h3><span>\(overlay.note)</span></figcaption>\
            <img alt="\(overlay.title)" src="data:image/png;base64,\(Data(overlay.png).base64EncodedString())"></figure>
            """
        }
        return """
            <section><h2>Cases of this site</h2><p class="note">Validation cases, segmented by this site’s \
            last model in one pass; of those that were tried, the best, the worst and between.</p>
            <p class="warning">Images of patients. This report is for this site alone.</p><div class="overlays">\(figures)</div></section>

            """
    }
}
