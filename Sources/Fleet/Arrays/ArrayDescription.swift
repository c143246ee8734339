import Federation

/// The body of an `Array` object: what the joined chunks hold, and which of the children they are, one after the other.
struct ArrayDescription: Equatable {
    var type: ScalarType
    var shape: [Int]
    /// Positions among the object's children; a chunk may stand in several places.
    var chunks: [Int]

    private static let mostChunks = 1 << 20

    init(type: ScalarType, shape: [Int], chunks: [Int]) { (self.type, self.shape, self.chunks) = (type, shape, chunks) }

    var body: [UInt8] {
        func list(_ numbers: [Int]) -> String { "[" + numbers.map(String.init).joined(separator: ", ") + "]" }
        return Array(
            """
            {"dtype": "\(type.numpyName)", "shape": \(list(shape)), "stype": "numpy.ndarray", "arraychunk_ids": \
            \(list(chunks))}
            """.utf8)
    }

    /// - Throws: `FleetError.malformed`.
    init(_ body: [UInt8], children: Int) throws {
        var (dtype, shape, stype, chunks) = (String?.none, [Int]?.none, String?.none, [Int]?.none)
        var reader = JSONText.Reader(body)
        try reader.object { name, reader in
            switch name {
            case "dtype": dtype = try reader.string()
            case "shape": shape = try reader.integers(atMost: NPYHeader.mostDimensions)
            case "stype": stype = try reader.string()
            case "arraychunk_ids": chunks = try reader.integers(atMost: Self.mostChunks)
            default: throw FleetError.malformed("an array's description holds \(name)")
            }
        }
        guard stype == "numpy.ndarray", let type = ScalarType.allCases.first(where: { $0.numpyName == dtype }) else {
            throw FleetError.malformed(
                "an array is of type \(dtype ?? "none") (\(stype ?? "no form")), which is not taken")
        }
        guard let shape, let chunks, !chunks.isEmpty, Set(chunks) == Set(0..<children) else {
            throw FleetError.malformed("an array's chunks are not those of its head")
        }
        self.init(type: type, shape: shape, chunks: chunks)
    }
}
