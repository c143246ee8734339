import Foundation
import Study
import Testing

@Suite struct ReportTests {
    /// Every element is closed in order, no attribute is open, and no `&` stands alone: the page's parts are well formed.
    private func expectWellFormed(_ page: String, _ note: Comment? = nil) {
        let void: Set<String> = ["meta", "!doctype", "img"]
        var open: [String] = []
        var rest = page[...]
        while let start = rest.firstIndex(of: "<") {
            guard let end = rest[start...].firstIndex(of: ">") else {
                Issue.record("a tag is not closed")
                return
            }
            let tag = rest[rest.index(after: start)..<end]
            #expect(!tag.contains("<"), note)
            #expect(tag.count(where: { $0 == "\"" }) % 2 == 0, "\(tag)")
            let name = tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber || $0 == "!" }
            if tag.hasPrefix("/") {
                #expect(open.popLast() == String(name), note)
            } else if !tag.hasSuffix("/"), !void.contains(name.lowercased()) {
                open.append(String(name))
            }
            rest = rest[rest.index(after: end)...]
        }
        #expect(open.isEmpty, note)
    }

    @Test(arguments: [(0, 0), (1, 1), (2, 3), (4, 50), (8, 12), (9, 2), (20, 300), (3, 700)])
    func pagesAreWholeAndAlone(sites: Int, rounds: Int) {
        let run = SampleRun(sites: sites, rounds: rounds)
        let page = run.report
        expectWellFormed(page, "\(sites) sites, \(rounds) rounds")
        for word in ["http:", "https:", "<script", "<link", "@import", "url(", "NaN", "nan\"", "inf\"", "<img"] {
            #expect(!page.contains(word), "\(word)")
        }
        if rounds > 0 { #expect(page.contains("<svg")) }
        for site in run.sites where !site.contains("&") { #expect(page.contains(">\(site)")) }
        #expect(page.utf8.count < 1_000_000)
    }

    @Test func namesAreEscaped() {
        let name = #"<script>alert("1")</script> & 'co'"#
        var matrix = CrossSiteMatrix()
        matrix[name, name] = .missing(reason: name)
        var facts = RunFacts(task: name, rounds: 1, strategy: name, sharing: name, sites: [.init(name, cases: 3)])
        facts.more = [.init(name, name)]
        let records = [
            RoundRecord(
                round: 1, stage: name, globalMetrics: ["dice": 0.5, name: 1],
                sites: [SiteRecord(name: name, metrics: ["dice": 0.4])], seconds: [name: 3]),
            RoundRecord(round: 2, stage: name, sites: [SiteRecord(name: name, failure: name)]),
        ]
        let table = ComparisonTable(
            title: name, spread: name, labels: [name],
            rows: [.init(name, cases: 1, scores: ["dice": .init(overall: .init(0.5), labels: [name: .init(0.5)])])])
        let page = Report.html(
            records: records, matrix: matrix, facts: facts, tables: [table])
        let own = SiteReport(of: name, records: records, facts: facts, matrix: matrix)
            .html(overlays: [.init(title: name, note: name, png: [1, 2, 3])])
        for page in [page, own] {
            #expect(!page.contains("<script") && !page.contains("'co'") && !page.contains("& "))
            #expect(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;co&#39;"))
            expectWellFormed(page)
        }
    }

    /// Reasons come from sites and can name files, which can name patients.
    @Test(arguments: [
        "cannot read /data/Doe_John/ct.nii.gz: it is cut short", "Doe_John_ct.nii.gz is empty",
        "imagesTr/liver/Doe_John has no label", #"C:\scans\Doe_John is missing"#, "no such file (~/Doe_John)",
        "\"/mnt/Doe_John\"", "path=/mnt/Doe_John", "file:///mnt/Doe_John", "in /mnt/a/Doe_John:12",
    ])
    func reasonsNameNoFiles(reason: String) {
        var matrix = CrossSiteMatrix()
        matrix["a", "b"] = .missing(reason: reason)
        let facts = RunFacts(task: "T", rounds: 1, strategy: "FedAvg", sharing: "all", sites: [])
        let page = Report.html(
            records: [RoundRecord(round: 1, sites: [SiteRecord(name: "a", failure: reason)])], matrix: matrix,
            facts: facts)
        #expect(!page.contains("Doe") && page.contains("[file]"))
    }

    @Test func reasonsKeepTheirWords() {
        let reason = "out of memory: 3.5 GB/s, and/or 1/2 of the batch (96 × 96), loss = 0.5."
        let facts = RunFacts(task: "T", rounds: 1, strategy: "FedAvg", sharing: "all", sites: [])
        let page = Report.html(
            records: [RoundRecord(round: 1, sites: [SiteRecord(name: "a", failure: reason)])], facts: facts)
        #expect(page.contains(reason))
    }

    /// A site's own page has its row, its failures and its pictures, and nothing of other sites.
    @Test func aSitesOwnPageIsOfItAlone() {
        let run = SampleRun(sites: 4, rounds: 12)
        #expect(!run.report.contains("data:image"))
        let own = SiteReport(of: "hospital_b", records: run.records, facts: run.facts, matrix: run.matrix)
        let page = own.html(overlays: [.init(title: "case 1", png: [0x89, 0x50, 0x4E, 0x47])])
        expectWellFormed(page)
        #expect(page.contains("src=\"data:image/png;base64,iVBORw==\""))
        #expect(page.contains("it stays at this site") && page.contains("<h1>hospital_b</h1>"))
        #expect(page.contains("Took part in</span><b>10</b><small>of 12 rounds"))
        // Other sites are there only as owners of the models that were judged here.
        #expect(!page.contains("<th scope=\"row\"><i class=\"chip k1\"></i>hospital_a"))
        #expect(own.records.allSatisfy { $0.sites.map(\.name) == ["hospital_b"] && $0.bytesDown <= 12_000_000 })
        #expect(own.matrix?.sites == ["hospital_b"] && own.facts.sites.map(\.name) == ["hospital_b"])
        #expect(!own.html().contains("<img") && own.html().contains("holds no images"))
    }

    /// What a run's privacy keeps to the sites is told nowhere, and no number stands in its place.
    @Test func casesThatAreNotTold() {
        let run = SampleRun(sites: 2, rounds: 2)
        var facts = run.facts
        for index in facts.sites.indices { facts.sites[index].cases = nil }
        let page = Report.html(records: run.records, facts: facts)
        #expect(page.contains("hospital_a, hospital_b; their numbers of cases are not told"))
        #expect(page.contains("hospital_b</th><td class=\"n\">–</td>"))
        let own = SiteReport(of: "hospital_b", records: run.records, facts: facts).html()
        #expect(own.contains("<dd>not told</dd>"))
    }

    @Test func numbersThatAreNone() {
        let facts = RunFacts(task: "T", rounds: 2, strategy: "FedAvg", sharing: "all", sites: [.init("a", cases: 1)])
        let records = (1...2).map {
            RoundRecord(
                round: $0, globalMetrics: ["dice": .nan, "loss": .infinity],
                sites: [SiteRecord(name: "a", metrics: ["dice": .nan], seconds: .nan)], seconds: ["training": .nan])
        }
        var matrix = CrossSiteMatrix()
        matrix["a", "a"] = .score(["dice": .nan], cases: 1)
        let page = Report.html(records: records, matrix: matrix, facts: facts)
        expectWellFormed(page)
        #expect(page.contains("not measured") && !page.contains("nan") && !page.contains("inf "))
    }

    @Test func failuresOfOneReasonAreOneLine() {
        let facts = RunFacts(task: "T", rounds: 9, strategy: "FedAvg", sharing: "all", sites: [.init("a", cases: 1)])
        let records = (1...9).map {
            RoundRecord(
                round: $0, sites: [SiteRecord(name: "a", failure: [2, 5, 6, 7].contains($0) ? "link lost" : nil)])
        }
        let page = Report.html(records: records, facts: facts)
        #expect(page.contains("<td class=\"n\">4</td><td>2, 5–7</td>"))
        #expect(page.contains("5 of 9"))
    }

    /// Of two records of one round the later one counts, as after a resume that left both.
    @Test func aRoundCountsOnce() {
        let facts = RunFacts(task: "T", rounds: 2, strategy: "FedAvg", sharing: "all", sites: [])
        let page = Report.html(
            records: [
                RoundRecord(round: 1, globalMetrics: ["dice": 0.111]),
                RoundRecord(round: 1, globalMetrics: ["dice": 0.222]),
            ], facts: facts)
        #expect(page.contains("0.222") && !page.contains("0.111"))
    }

    /// Where lower is better, the lowest is the best in headline, matrix and table.
    @Test func lowerIsBetter() {
        var facts = RunFacts(task: "T", rounds: 2, strategy: "FedAvg", sharing: "all", sites: [])
        facts.metric = .hd95
        var matrix = CrossSiteMatrix()
        matrix["a", "x"] = .score(["hd95": 9], cases: 1)
        matrix["a", "y"] = .score(["hd95": 3], cases: 1)
        let page = Report.html(
            records: [
                RoundRecord(round: 1, globalMetrics: ["hd95": 4.2]),
                RoundRecord(round: 2, globalMetrics: ["hd95": 7.1]),
            ], matrix: matrix, facts: facts)
        #expect(page.contains("<span>Best HD95</span><b>4.2</b><small>round 1</small>"))
        #expect(page.contains("<b>3.0</b>") && !page.contains("<b>9.0</b>"))
    }

    @Test func writesTheFile() throws {
        try withScratchFolder { folder in
            let url = folder.appending(path: "report.html")
            let page = SampleRun(sites: 2, rounds: 2).report
            try Report.write(page, to: url)
            #expect(try String(contentsOf: url, encoding: .utf8) == page)
            #expect(throws: StudyError.self) {
                try Report.write(page, to: folder.appending(path: "missing/report.html"))
            }
        }
    }
}
