import Foundation
import NNUNet
import Study
import Testing

@Suite struct RoundRecordTests {
    @Test func whatIsNotANumberIsNull() throws {
        let record = RoundRecord(
            round: 3, globalMetrics: ["dice": .nan, "val_loss": -.infinity, "loss": 0.5],
            sites: [SiteRecord(name: "a", metrics: ["dice": .infinity], seconds: .nan)], seconds: ["training": .nan])
        let bytes = Array(try JSONEncoder().encode(record))
        // JSONValue takes a bare NaN as Python writes it, so its absence is looked for in the text.
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.lowercased().contains("nan") && !text.lowercased().contains("inf"))
        let json = try JSONValue(parsing: bytes).object
        #expect(json?["metrics"]?.object?["dice"] == .null)
        #expect(json?["metrics"]?.object?["loss"] == .number(0.5))
        let back = try JSONDecoder().decode(RoundRecord.self, from: Data(bytes))
        #expect(back.globalMetrics["dice"]?.isNaN == true && back.globalMetrics["val_loss"]?.isNaN == true)
        #expect(back.sites[0].metrics["dice"]?.isNaN == true && back.sites[0].seconds.isNaN)
        #expect(back.seconds["training"]?.isNaN == true)
    }

    @Test func comesBackWhole() throws {
        for record in SampleRun(sites: 4, rounds: 12).records {
            #expect(try JSONDecoder().decode(RoundRecord.self, from: JSONEncoder().encode(record)) == record)
        }
    }

    @Test func aSiteTookPartWhereNothingFailed() {
        #expect(SiteRecord(name: "a").tookPart)
        #expect(!SiteRecord(name: "a", failure: "away").tookPart)
    }
}
