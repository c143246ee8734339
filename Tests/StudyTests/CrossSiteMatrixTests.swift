import Foundation
import NNUNet
import Study
import Testing

@Suite struct CrossSiteMatrixTests {
    private var matrix: CrossSiteMatrix {
        var matrix = CrossSiteMatrix()
        matrix["a", "server best"] = .score(["dice": 0.8, "hd95": 4.25], cases: 5)
        matrix["a", "b"] = .missing(reason: "b keeps its model")
        matrix["b", "server best"] = .score(["dice": 0.9], cases: 7)
        matrix["b", "b"] = .score(["dice": .nan], cases: 7)
        return matrix
    }

    @Test func json() {
        let text = matrix.json.serialised(indent: nil)
        #expect(
            text
                == #"{"a": {"server best": {"dice": 0.8, "hd95": 4.25, "cases": 5}, "b": {"reason": "b keeps its model"}}, "#
                + #""b": {"server best": {"dice": 0.9, "cases": 7}, "b": {"dice": null, "cases": 7}}}"#)
    }

    @Test func comesBackWhole() throws {
        try withScratchFolder { folder in
            let url = folder.appending(path: "cross_site.json")
            let full = SampleRun(sites: 4, rounds: 1).matrix
            try full.write(to: url)
            #expect(try CrossSiteMatrix(contentsOf: url) == full)
            try matrix.write(to: url)
            let back = try CrossSiteMatrix(contentsOf: url)
            #expect(back["b", "b"]?.value("dice")?.isNaN == true)
            #expect(back["a", "b"] == .missing(reason: "b keeps its model"))
        }
    }

    /// FLARE names its models by file, counts no cases and leaves a site that failed empty.
    @Test func filesOfFLARE() throws {
        let text = #"{"site-1": {"SRV_FL_global_model.pt": {"val_accuracy": 0.5}, "site-2": {}}, "site-2": {}}"#
        let matrix = try CrossSiteMatrix(json: JSONValue(parsing: Array(text.utf8)))
        #expect(matrix.sites == ["site-1", "site-2"])
        #expect(matrix["site-1", "SRV_FL_global_model.pt"] == .score(["val_accuracy": 0.5], cases: 0))
        #expect(matrix["site-1", "site-2"] == nil && matrix.models.contains("site-2"))
        #expect(matrix.metrics == ["val_accuracy"])
    }

    @Test(arguments: ["[]", #"{"a": 1}"#, #"{"a": {"b": 1}}"#, #"{"a": {"b": {"dice": "high"}}}"#])
    func otherShapesAreRefused(text: String) {
        #expect(throws: StudyError.self) { try CrossSiteMatrix(json: JSONValue(parsing: Array(text.utf8))) }
    }

    @Test func text() {
        let expected = """
            data \\ model   server best      b
            a                    0.800  – [1]
            b                    0.900      –
            mean of sites        0.850      –
            [1] b keeps its model
            """
        #expect(matrix.text() == expected)
        #expect(CrossSiteMatrix().text() == "data \\ model")
    }

    @Test func aMeanNeedsEverySite() {
        #expect(abs((matrix.mean(of: "server best", metric: "dice") ?? 0) - 0.85) < 1e-12)
        #expect(matrix.mean(of: "server best", metric: "hd95") == nil)
        #expect(matrix.mean(of: "b", metric: "dice") == nil)
        #expect(CrossSiteMatrix().mean(of: "b", metric: "dice") == nil)
    }
}
