import Federation
import Foundation
import Study
import Testing

/// The pages in `docs` on files that people write say what the code does.
@Suite struct RunFileDocumentationTests {
    private let page: String

    init() throws { page = try Self.page("run-file.md") }

    private static func page(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
    }

    private static func examples(in page: String) -> [String] {
        page.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    }

    private var examples: [String] { Self.examples(in: page) }

    @Test func theExamplesOfUnlikeDatasetsCanBeRun() throws {
        let examples = try Self.examples(in: Self.page("multi-dataset.md"))
        #expect(examples.count == 4)
        for example in examples { _ = try RunFile(yaml: example) }
    }

    @Test func thePolicyForHospitalsCanBeRead() throws {
        let examples = try Self.examples(in: Self.page("deployment.md"))
        #expect(examples.count == 1)
        #expect(try SiteRules(yaml: examples[0]).policy.fewestCases == 20)
    }

    @Test func theRunsWithDifferentialPrivacyCanBeRead() throws {
        let runs = try Self.examples(in: Self.page("differential-privacy.md")).map { try RunFile(yaml: $0) }
        #expect(runs.map { $0.privacy.differentialPrivacy?.unit?.rawValue } == ["record", "site", "record"])
        for run in runs { _ = try run.makeStrategy() }
    }

    @Test func theRunWithANodeOfFlowersCanBeRead() throws {
        let examples = try Self.examples(in: Self.page("flower.md"))
        #expect(examples.count == 1)
        #expect(try RunFile(yaml: examples[0]).hasFlowerNodes)
    }

    @Test func theRunsThatHideUpdatesCanBeRead() throws {
        let examples = try Self.examples(in: Self.page("privacy.md"))
        let runs = try examples.map { try RunFile(yaml: "sites: [{dataset: 1}, {dataset: 2}, {dataset: 3}]\n" + $0) }
        #expect(runs.count == 3 && runs.allSatisfy { $0.strategy != RunFile.Strategy() })
    }

    @Test func theExamplesCanBeRun() throws {
        #expect(examples.count == 2)
        for example in examples { _ = try RunFile(yaml: example) }
        // So does the split, in place of the sites.
        let split = examples[1].split(separator: "\n").first { $0.hasPrefix("# split") }!.dropFirst(2)
        #expect(try RunFile(yaml: String(split)).siteCount == 4)
    }

    @Test func theTableHasEveryKey() {
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { $0.split(separator: "`")[1] }
        let sections: Set = ["sites", "strategy.filters"]
        #expect(Set(rows.map(String.init)).subtracting(sections) == Set(RunFile.paths))
        #expect(rows.count == Set(rows).count)
    }

    /// A key's default, in a file that has only what is needed.
    @Test func theTableHasTheDefaults() throws {
        let sites = try RunFile(yaml: "sites: [{dataset: 1}]")
        let split = try RunFile(yaml: "split: {dataset: 1, sites: 1}")
        for row in page.split(separator: "\n") where row.hasPrefix("| `") {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let path = cells[0].trimmingCharacters(in: ["`"])
            var file = path.hasPrefix("split") ? split : sites
            let before = file
            switch cells[1] {
            case "–": try file.set(path, "")
            case _ where cells[1].hasPrefix("`"): try file.set(path, cells[1].trimmingCharacters(in: ["`"]))
            default: continue
            }
            let choices = ["server_optimizer", "aggregation", "secure_aggregation", "filters.0"].map {
                "strategy.\($0)."
            }
            if let choice = choices.first(where: path.hasPrefix) {
                var word = before
                try word.set(String(choice.dropLast()), String(path.dropFirst(choice.count).prefix { $0 != "." }))
                #expect(file == word, "\(path)")
            } else {
                #expect(file == before, "\(path)")
            }
        }
    }
}
