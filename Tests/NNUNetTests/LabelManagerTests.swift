import NNUNet
import Testing

struct LabelManagerTests {
    private func dataset(_ labels: String, _ more: String = "") throws -> DatasetDescription {
        let text =
            #"{"channel_names": {"0": "CT"}, "labels": \#(labels), "numTraining": 1, "file_ending": ".nii.gz"\#(more)}"#
        return try DatasetDescription(json: try #require(try JSONValue(parsing: Array(text.utf8)).object))
    }

    @Test func labelsKeepTheirOrderAndCount() throws {
        let manager = LabelManager(try dataset(#"{"background": 0, "b": 2, "a": 1, "ignore": 3}"#))
        #expect(manager.headCount == 3)
        #expect(manager.foregroundLabels == [1, 2])
        #expect(manager.ignoreLabel == 3)
        #expect(!manager.hasRegions)
    }

    @Test func regionsHaveAHeadEachAndListsOfOneStayLists() throws {
        let labels = #"{"background": 0, "whole": [1, 2], "core": [2], "rim": 1}"#
        let manager = LabelManager(try dataset(labels, #", "regions_class_order": [1, 2, 1]"#))
        #expect(manager.hasRegions)
        #expect(manager.headCount == 3)
        #expect(manager.foregroundClasses.map(\.labels) == [[1, 2], [2], [1]])
        #expect(manager.foregroundClasses.map(\.isRegion) == [true, true, false])
    }

    @Test(arguments: [
        (#"{"background": 0, "a": 1, "ignore": 5}"#, "highest label plus one"), (#"{"a": 1}"#, "background"),
        (#"{"background": 0, "a": "1"}"#, "whole number"), (#"{"background": 0, "w": [1, 2]}"#, "regions_class_order"),
    ])
    func faultsNameTheKey(labels: String, fact: String) throws {
        let error = #expect(throws: NNUNetError.self) { try dataset(labels) }
        #expect(String(describing: error!).contains(fact))
    }

    @Test func aMissingKeyIsNamed() throws {
        let json = try #require(try JSONValue(parsing: Array(#"{"labels": {"background": 0}}"#.utf8)).object)
        let error = #expect(throws: NNUNetError.self) { try DatasetDescription(json: json) }
        #expect(String(describing: error!).contains("channel_names"))
    }
}
