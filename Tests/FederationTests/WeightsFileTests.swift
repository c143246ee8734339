import Federation
import FederationTesting
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
        for tensor in try Weights([tensor("half", [5], seed: 4)]).converted(to: .float16).tensors {
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

    /// A header may say anything; what is said of a tensor is not multiplied before it is looked at.
    @Test func shapesThatNoTensorHasAreRefused() throws {
        let folder = try TemporaryFolder()
        for shape in ["[4294967296,4294967296]", "[-1,-4]", "[9223372036854775807,2]", "[1099511627776]"] {
            let json = #"{"a":{"dtype":"F32","shape":\#(shape),"data_offsets":[0,16]}}"#
            let url = folder.url.appending(path: "w.safetensors")
            var data = withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Data($0) }
            data.append(Data(json.utf8))
            data.append(Data(count: 16))
            try data.write(to: url)
            #expect(throws: FederationError.self) { _ = try WeightsFile(url) }
            let description = Data(#"{"name":"a","shape":\#(shape),"type":"F32"}"#.utf8)
            if shape != "[1099511627776]" {
                #expect(throws: DecodingError.self) {
                    _ = try JSONDecoder().decode(TensorDescription.self, from: description)
                }
            }
        }
        let description = TensorDescription(name: "a", shape: [0, 3], type: .int64)
        #expect(
            try JSONDecoder().decode(TensorDescription.self, from: JSONEncoder().encode(description)) == description)
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

    @Test func aMappedFileIsTheSameWeights() throws {
        let folder = try TemporaryFolder()
        let weights = Weights([tensor("a", [300, 7], seed: 1), tensor("b", [0], seed: 2), tensor("c", [5], seed: 3)])
        let file = folder.url.appending(path: "weights.safetensors")
        try WeightsFile.write(weights, to: file)
        let mapped = try WeightsFile(file).mapped()
        #expect(mapped == weights)
        // Also when another has taken the file's place, and written from what is mapped.
        try WeightsFile.write(Weights([tensor("a", [1], seed: 4)]), to: file)
        #expect(mapped == weights)
        try WeightsFile.write(mapped, to: file)
        #expect(try WeightsFile(file).weights() == weights)
    }

    @Test func tensorsAreConvertedPieceByPiece() throws {
        let weights = Weights([tensor("a", [40_000], seed: 1)])
        let half = try ConvertedTensors(weights, from: .float32, to: .float16).weights()
        #expect(half.descriptions == [TensorDescription(name: "a", shape: [40_000], type: .float16)])
        let back = ConvertedTensors(half, from: .float16, to: .float32)
        let whole = try back.weights()
        for (x, y) in zip(whole["a"]!.floats!, weights["a"]!.floats!) { #expect(abs(x - y) <= abs(y) / 2048) }
        // A piece that begins and ends within elements.
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        defer { scratch.deallocate() }
        let piece = try back.withBytes(of: 0, in: 1001..<1043, scratch: scratch) { Array($0) }
        #expect(piece == Array(whole["a"]!.bytes[1001..<1043]))
    }
}
