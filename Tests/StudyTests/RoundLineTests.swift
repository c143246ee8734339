import Foundation
import Study
import Testing

@Suite struct RoundLineTests {
    private func site(_ name: String, _ dice: Double) -> SiteRecord { SiteRecord(name: name, metrics: ["dice": dice]) }

    @Test func allThatARoundHas() {
        let record = RoundRecord(
            round: 12, globalMetrics: ["dice": 0.8421, "loss": -0.714],
            sites: [site("hospital_a", 0.851), site("hospital_b", 0.829)],
            seconds: ["validation": 8, "aggregation": 0.2, "training": 41], bytesDown: 24_000_000, bytesUp: 24_000_000,
            isBest: true)
        #expect(
            RoundLine.text(record, of: 50)
                == "round 12/50  Dice 0.842 (best)  hospital_a 0.851  hospital_b 0.829  loss -0.71  "
                + "train 41 s, merge 0.2 s, validate 8 s  48 MB")
    }

    @Test func manySites() {
        let sites = (1...20).map { site("site_\($0)", 0.7 + Double($0) / 100) } + [site("empty", .nan)]
        let record = RoundRecord(round: 1, globalMetrics: ["dice": 0.8], sites: sites)
        #expect(
            RoundLine.text(record, of: 3)
                == "round 1/3  Dice 0.800  21 sites: lowest site_1 0.710, highest site_20 0.900")
        let blank = RoundRecord(round: 1, sites: (1...20).map { site("site_\($0)", .nan) })
        #expect(RoundLine.text(blank, of: 3) == "round 1/3  20 sites")
    }

    @Test func failures() {
        var record = RoundRecord(
            round: 2, globalMetrics: ["dice": .nan], sites: [SiteRecord(name: "b", failure: "out of memory")])
        #expect(RoundLine.text(record, of: 3) == "round 2/3  Dice –  b failed: out of memory")
        record.sites = ["b", "c", "d", "e"].map { SiteRecord(name: $0, failure: "away") }
        #expect(RoundLine.text(record, of: 3) == "round 2/3  Dice –  4 sites failed (b, c, d, …)")
    }

    @Test func preparationAndEmptyRounds() {
        let record = RoundRecord(
            round: -2, stage: "fingerprint", sites: [SiteRecord(name: "a")], seconds: ["training": 12], bytesUp: 40_000)
        #expect(RoundLine.text(record, of: 3) == "fingerprint  1 site  train 12 s  40 kB")
        #expect(RoundLine.text(RoundRecord(round: 1), of: 3) == "round 1/3")
    }

    /// A name can come from outside; it must not move the cursor or colour the terminal.
    @Test func namesDoNotReachTheTerminalAsCommands() {
        let record = RoundRecord(round: 1, sites: [site("a\u{1B}[2J\u{7}\nb", 0.5)])
        let line = RoundLine.text(record, of: 1)
        #expect(line == "round 1/1  a [2J b 0.500")
    }
}
