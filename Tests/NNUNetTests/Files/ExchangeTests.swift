import Foundation
import NNUNet
import Testing

private let exchange = ProcessInfo.processInfo.environment["COHORT_EXCHANGE"].map { URL(fileURLWithPath: $0) }

/// Reads what Python left in the folder `COHORT_EXCHANGE` and leaves there what Python is to read; `scripts/compare` has
/// the other half.
@Suite(.enabled(if: exchange != nil, "only with COHORT_EXCHANGE, from scripts/compare/files.py"))
struct ExchangeTests {
    @Test func checkpoint() throws {
        let folder = try #require(exchange)
        let clock = ContinuousClock()
        var checkpoint: NNUNetCheckpoint?
        let reading = try clock.measure {
            checkpoint = try NNUNetCheckpoint(contentsOf: folder.appendingPathComponent("theirs.pth"))
        }
        var read = try #require(checkpoint)
        read.extra.pairs.append(
            PickleDictionary.Pair(key: .string("cohort"), value: .dictionary([("seed", .integer(.max))])))
        let writing = try clock.measure { try read.write(to: folder.appendingPathComponent("ours.pth")) }
        print("read \(reading), wrote \(writing)")
    }

    @Test func arraysAndCases() throws {
        let folder = try #require(exchange)
        let theirs = try NPZ(contentsOf: folder.appendingPathComponent("theirs.npz"))
        let arrays = try theirs.names.map { ($0, try theirs.array($0)) }
        try NPZ.write(arrays, to: folder.appendingPathComponent("ours.npz"))
        try SafeTensors.write(
            arrays.map { NamedTensor(name: $0.0, array: $0.1) }, metadata: [("format", "pt")],
            to: folder.appendingPathComponent("ours.safetensors"))
        let tensors = try SafeTensors(contentsOf: folder.appendingPathComponent("theirs.safetensors")).tensors()
        for tensor in tensors {
            #expect(arrays.contains { $0.0 == tensor.name && $0.1 == tensor.array }, "\(tensor.name)")
        }
        #expect(tensors.count > 5)
        let cases = folder.appendingPathComponent("cases")
        for name in try FileManager.default.contentsOfDirectory(atPath: cases.path) where name.hasSuffix(".pkl") {
            let url = cases.appendingPathComponent(name)
            try CaseProperties(contentsOf: url).write(to: url)
        }
    }
}
