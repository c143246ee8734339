import NNUNet
import Testing

struct ClientDatasetsTests {
    @Test func sitesAreInOrder() throws {
        let text = #"{"1": "Dataset009_Spleen", "0": "Dataset005_Prostate", "2": "Dataset009_Spleen"}"#
        #expect(
            try ClientDatasets(parsing: text).datasets == [
                "Dataset005_Prostate", "Dataset009_Spleen", "Dataset009_Spleen",
            ])
        let many = (0..<12).map { "\"\($0)\": \"\($0 + 1)\"" }.joined(separator: ", ")
        #expect(try ClientDatasets(parsing: "{\(many)}").datasets == (1...12).map(String.init))
    }

    @Test(arguments: [
        ("{}", "no site"), ("[]", "braces"), ("{", "not valid JSON"), ("", "not valid JSON"),
        (#"{"0": "Dataset005_Prostate", "2": "Dataset009_Spleen"}"#, "1 is missing"),
        (#"{"1": "Dataset005_Prostate"}"#, "0 is missing"), (#"{"00": "Dataset005_Prostate"}"#, "\"00\" is no site"),
        (#"{"-1": "Dataset005_Prostate"}"#, "no site's number"),
        (#"{"0": "Prostate"}"#, "site 0 has no dataset's name"),
        (#"{"0": 5}"#, "site 0 has no dataset's name"), (#"{"0": ""}"#, "site 0 has no dataset's name"),
        (#"{"0": "Dataset005_Prostate", "0": "Dataset009_Spleen"}"#, "there twice"),
    ]) func faultsAreNamed(text: String, expected: String) {
        let error = #expect(throws: NNUNetError.self) { _ = try ClientDatasets(parsing: text) }
        #expect(error.map { "\($0)".contains(expected) && "\($0)".contains("--client-datasets") } == true)
    }
}
