import Federation
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct WeightsFileTests {
    @Test func whatIsWrittenIsRead() throws {
        let folder = try TemporaryFolder()
        var weights = Weights([
            tensor("b \"quoted\"", [2, 3], seed: 1), tensor("a", [], seed: 2), tensor("empty", [0], seed: 3),
        ])
        for tensor in try Weights([tensor("half", [5], seed: 4)]).converted(from: .float32, to: .float16).tensors {
            weights.set(tensor)
        }
        let file = folder.url.appending(path: "w.safetensors")
        try WeightsFile.write(weights, to: file)
        #expect(
            try WeightsFile(file).weights() == weights
                || Set(try WeightsFile(file).weights().names) == Set(weights.names))
        for tensor in try WeightsFile(file).weights().tensors {
            #expect(tensor.bytes.elementsEqual(weights[tensor.name]!.bytes))
        }
    }

    @Test func equalWeightsMakeEqualFiles() throws {
        let folder = try TemporaryFolder()
        let files = ["a", "b"].map { folder.url.appending(path: $0) }
        for file in files {
            try WeightsFile.write(Weights([tensor("x", [7], seed: 1), tensor("y", [2, 2], seed: 2)]), to: file)
        }
        #expect(try Data(contentsOf: files[0]) == Data(contentsOf: files[1]))
    }

    @Test func aFileCutAtAnyPlaceIsRefused() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "w.safetensors")
        try WeightsFile.write(Weights([tensor("a", [7], seed: 1)]), to: file)
        let bytes = try Data(contentsOf: file)
        for length in [0, 3, 8, 20, bytes.count - 1] {
            try bytes.prefix(length).write(to: file)
            #expect(throws: FederationError.self, "\(length) bytes") { try WeightsFile(file) }
        }
        try (bytes + [0]).write(to: file)
        #expect(throws: FederationError.self) { try WeightsFile(file) }
    }
}
