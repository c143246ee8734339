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
            <figure><img alt="\(overlay.caption)" src="data:image/png;base64,\
            \(Data(overlay.png).base64EncodedString())"><figcaption>\(overlay.caption)</figcaption></figure>
            """
        }
        return """
            <section><h2>Cases of this site</h2><p class="warning">Images of patients. This report is for this site \
            alone.</p><div class="overlays">\(figures)</div></section>

            """
    }
}
