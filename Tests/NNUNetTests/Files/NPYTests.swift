import Foundation
import NNUNet
import Testing

@Suite struct NPYTests {
    /// `np.save` of np.array([[1, 2, 3], [4, 5, 6]], '>i2', order='F').
    static let fortranBigEndian: [UInt8] = {
        let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }"
        let padded = header + String(repeating: " ", count: 117 - header.count) + "\n"
        return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8) + [
            0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6,
        ]
    }()

    @Test func fortranOrderAndBigEndian() throws {
        let array = try NPY.array(of: Self.fortranBigEndian, file: "test")
        #expect(array.shape == [2, 3])
        #expect(array.elements(Int16.self) == [1, 2, 3, 4, 5, 6])
    }

    @Test(arguments: NumericType.allCases.filter { $0 != .bfloat16 })
    func roundTrip(type: NumericType) throws {
        let bytes = (0..<6 * type.byteCount).map { UInt8($0 % 2) }
        for shape in [[6], [2, 3], [1, 6, 1]] {
            let array = try NumericArray(type: type, shape: shape, bytes: bytes)
            let file = try NPY.bytes(of: array)
            #expect((file.count - bytes.count) % 64 == 0)
            #expect(try NPY.array(of: file, file: "test") == array)
        }
        let scalar = try NumericArray(type: type, shape: [], bytes: Array(bytes[..<type.byteCount]))
        #expect(try NPY.array(of: try NPY.bytes(of: scalar), file: "test") == scalar)
    }

    @Test func halvesBecomeDoubles() throws {
        let bytes: [UInt8] = [0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00, 0x00, 0x7c]
        let array = try NumericArray(type: .float16, shape: [5], bytes: bytes)
        #expect(array.doubles() == [1, -2, 65504, 0x1p-24, .infinity])
    }

    @Test func mutationsNeverCrash() throws {
        var generator = RepeatableGenerator(2)
        for _ in 0..<5000 {
            var bytes = Self.fortranBigEndian
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<80, using: &generator)] =
                    [0x20, 0x39, 0x2c, 0x29, 0xff, 0].randomElement(using: &generator)!
            }
            bytes.removeLast(Int.random(in: 0..<20, using: &generator))
            _ = try? NPY.array(of: bytes, file: "test")
        }
    }

    @Test func archives() throws {
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("case.npz")
            let data = NumericArray((0..<1000).map { Float($0 % 7) }, shape: [1, 10, 100])
            let labels = NumericArray([Int16](repeating: -1, count: 1000), shape: [1, 10, 100])
            try NPZ.write([("data", data), ("seg", labels)], to: url)
            let file = try NPZ(contentsOf: url)
            #expect(file.names == ["data", "seg"])
            #expect(try file.array("data") == data)
            #expect(try file.array("seg") == labels)
            #expect(throws: FileError.self) { try file.array("probabilities") }
        }
    }
}
