#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// NRRD (teem.sourceforge.net/nrrd), attached and with a data file of its own.
enum NRRD {
    private static let types: [String: PixelType] = {
        var types: [String: PixelType] = [:]
        let names: [(PixelType, [String])] = [
            (.int8, ["signed char", "int8", "int8_t"]), (.uint8, ["uchar", "unsigned char", "uint8", "uint8_t"]),
            (.int16, ["short", "short int", "signed short", "signed short int", "int16", "int16_t"]),
            (.uint16, ["ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"]),
            (.int32, ["int", "signed int", "int32", "int32_t"]),
            (.uint32, ["uint", "unsigned int", "uint32", "uint32_t"]),
            (.int64, ["longlong", "long long", "long long int", "signed long long", "int64", "int64_t"]),
            (.uint64, ["ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"]),
            (.float32, ["float"]), (.float64, ["double"]),
        ]
        for (type, spellings) in names { for spelling in spellings { types[spelling] = type } }
        return types
    }()

    static func read(_ url: URL) throws -> StoredImage {
        let name = url.lastPathComponent
        let bytes = try FileBytes.readRaw(url)
        guard bytes.starts(with: "NRRD".utf8) else {
            throw ImagingError.unsupported(name, reason: "it does not begin as an NRRD file does")
        }
        let (fields, position) = try fields(bytes, name)
        guard let type = fields["type"].flatMap({ types[$0.lowercased()] }) else {
            throw ImagingError.unsupported(name, reason: "its type \(fields["type"] ?? "(none)") is unknown")
        }
        guard var size = fields["sizes"]?.split(separator: " ").compactMap({ Int($0) }),
            let rank = fields["dimension"].flatMap({ Int($0) }),
            size.count == rank, (1...10).contains(rank)
        else { throw ImagingError.damaged(name, reason: "its header lacks sizes that fit its dimension") }
        var components = 1
        let kinds = fields["kinds"]?.split(separator: " ").map { $0.lowercased() } ?? []
        var directions = vectors(fields["space directions"])
        let isColour =
            directions?.first.map { $0 == nil }
            ?? (kinds.first.map { !["domain", "space", "time", "list"].contains($0) } ?? false)
        let count = try StoredImage.count(size, components: 1, name: name)
        if isColour, size.count > 1 {
            components = size.removeFirst()
            directions?.removeFirst()
        }
        let data = try content(fields, header: bytes, from: position, url: url, type: type, count: count)
        let order = fields["endian"]?.lowercased() == "big"
        let values = data.withUnsafeBytes { type.floats($0, count: count, bigEndian: order) }
        let axes = size.count
        var image = StoredImage(
            format: "NRRD", pixelType: type, size: size, components: components, values: values,
            spacing: size.map { _ in 1 },
            origin: size.map { _ in 0 }, direction: (0..<axes * axes).map { $0 / axes == $0 % axes ? 1 : 0 })
        orient(&image, fields, directions)
        return image
    }

    /// The header's fields by their names in small letters, and where the data begins.
    private static func fields(_ bytes: [UInt8], _ name: String) throws -> ([String: String], Int) {
        var fields: [String: String] = [:]
        var position = 0
        while position < bytes.count {
            let end = bytes[position...].firstIndex(of: 0x0A) ?? bytes.count
            var line = bytes[position..<end]
            if line.last == 0x0D { line.removeLast() }
            position = min(end + 1, bytes.count)
            if line.isEmpty { break }  // an empty line ends the header
            guard let text = String(validating: line, as: UTF8.self) else {
                throw ImagingError.damaged(name, reason: "its header is not text")
            }
            if text.hasPrefix("#") || text.hasPrefix("NRRD") || text.contains(":=") { continue }
            guard let colon = text.firstIndex(of: ":") else { continue }
            fields[text[..<colon].trimmed.lowercased()] =
                text[text.index(after: colon)...].trimmed
        }
        return (fields, position)
    }

    /// Millimetres between voxels, fastest axis first, from the beginning of the file; nil where it cannot be told.
    static func spacing(_ url: URL) throws -> [Double]? {
        let name = url.lastPathComponent
        let bytes = try FileBytes.readBeginning(url)
        // A header that does not end here is read with its file.
        guard bytes.starts(with: "NRRD".utf8), case let (fields, position) = try fields(bytes, name),
            position < bytes.count || fields["data file"] ?? fields["datafile"] != nil,
            let size = fields["sizes"]?.split(separator: " ").compactMap({ Int($0) }), (2...4).contains(size.count)
        else { return nil }
        let axes = size.count
        var image = StoredImage(
            format: "NRRD", pixelType: .uint8, size: size, components: 1, values: [], spacing: size.map { _ in 1 },
            origin: size.map { _ in 0 }, direction: (0..<axes * axes).map { _ in 0 })
        orient(&image, fields, vectors(fields["space directions"]))
        return image.spacing
    }

    private static func orient(_ image: inout StoredImage, _ fields: [String: String], _ directions: [[Double]?]?) {
        let axes = image.size.count
        if let spacings = fields["spacings"]?.split(separator: " ").map({ Double($0) ?? .nan }).suffix(axes),
            spacings.count == axes
        {
            image.spacing = spacings.map { $0.isFinite && $0 != 0 ? abs($0) : 1 }
        }
        let space = fields["space"]?.lowercased() ?? ""
        // ITK turns right- and anterior-pointing worlds into LPS.
        let signs: [Double] =
            switch space {
            case "right-anterior-superior", "ras": [-1, -1, 1]
            case "left-anterior-superior", "las": [1, -1, 1]
            default: [1, 1, 1]
            }
        if let directions, directions.count == axes {
            for (axis, vector) in directions.enumerated() {
                guard let vector, vector.count <= axes else { continue }
                let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                guard length > 0 else { continue }
                image.spacing[axis] = length
                for row in 0..<axes {
                    image.direction[row * axes + axis] =
                        row < vector.count ? (row < 3 ? signs[row] : 1) * vector[row] / length : 0
                }
            }
        }
        if let origin = vectors(fields["space origin"])?.first ?? nil, origin.count <= axes {
            for (row, value) in origin.enumerated() { image.origin[row] = (row < 3 ? signs[row] : 1) * value }
        }
    }

    /// "(1,0,0) none (0,1,0)" as lists of numbers and nil.
    private static func vectors(_ text: String?) -> [[Double]?]? {
        guard let text else { return nil }
        var result: [[Double]?] = []
        var rest = text[...]
        while let start = rest.firstIndex(where: { $0 == "(" || $0 == "n" }) {
            if rest[start] == "n" {
                result.append(nil)
                rest = rest[start...].dropFirst(4)
            } else {
                guard let end = rest[start...].firstIndex(of: ")") else { return nil }
                result.append(
                    rest[rest.index(after: start)..<end].split(separator: ",").compactMap { Double($0.trimmed) })
                rest = rest[rest.index(after: end)...]
            }
        }
        return result
    }

    private static func content(
        _ fields: [String: String], header: [UInt8], from position: Int, url: URL, type: PixelType, count: Int
    ) throws -> [UInt8] {
        let name = url.lastPathComponent
        var bytes = Array(header[position...])
        if let file = fields["data file"] ?? fields["datafile"] {
            guard !file.hasPrefix("LIST"), !file.contains("%") else {
                throw ImagingError.unsupported(
                    name, reason: "its voxels are spread over several files. Convert it to one .nii.gz.")
            }
            guard !file.contains("/"), !file.contains("\\") else {
                throw ImagingError.unsupported(
                    name, reason: "its data file lies in another folder (\(file)). Put both into one.")
            }
            bytes = try FileBytes.readRaw(url.deletingLastPathComponent().appending(path: file))
        }
        let needed = count * type.size
        switch fields["encoding"]?.lowercased() {
        case "raw": break
        case "gzip", "gz":
            bytes = try bytes.withUnsafeBytes { try Deflate.inflate($0, .gzip, expected: needed, name: name) }
        case "ascii", "text", "txt":
            let numbers = String(decoding: bytes, as: UTF8.self).split(whereSeparator: { $0.isWhitespace || $0 == "," })
                .compactMap { Double($0) }
            guard numbers.count >= count else {
                throw ImagingError.damaged(name, reason: "it has \(numbers.count) of \(count) numbers")
            }
            return try asBytes(numbers.prefix(count), type, fields["endian"]?.lowercased() == "big", name)
        case let other:
            throw ImagingError.unsupported(
                name, reason: "its encoding \(other ?? "(none)") is not read; raw, gzip and ascii are")
        }
        let skip = (fields["byte skip"] ?? fields["byteskip"]).flatMap { Int($0) } ?? 0
        if skip == -1 { bytes = Array(bytes.suffix(needed)) } else if skip > 0 { bytes = Array(bytes.dropFirst(skip)) }
        guard bytes.count >= needed else {
            throw ImagingError.damaged(
                name, reason: "its header promises \(needed) bytes of voxels, but there are \(bytes.count)")
        }
        return bytes
    }

    private static func asBytes(_ numbers: ArraySlice<Double>, _ type: PixelType, _ bigEndian: Bool, _ name: String)
        throws -> [UInt8]
    {
        func bytes<T: FixedWidthInteger>(_: T.Type) throws -> [UInt8] {
            try numbers.flatMap { number -> [UInt8] in
                guard let value = T(exactly: number) else {
                    throw ImagingError.damaged(name, reason: "\(number) is no \(type.rawValue)")
                }
                return withUnsafeBytes(of: bigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
            }
        }
        func floats<T: FixedWidthInteger>(_ pattern: (Double) -> T) -> [UInt8] {
            numbers.flatMap { number in
                withUnsafeBytes(of: bigEndian ? pattern(number).bigEndian : pattern(number).littleEndian) { Array($0) }
            }
        }
        switch type {
        case .uint8: return try bytes(UInt8.self)
        case .int8: return try bytes(Int8.self)
        case .uint16: return try bytes(UInt16.self)
        case .int16: return try bytes(Int16.self)
        case .uint32: return try bytes(UInt32.self)
        case .int32: return try bytes(Int32.self)
        case .uint64: return try bytes(UInt64.self)
        case .int64: return try bytes(Int64.self)
        case .float32: return floats { Float($0).bitPattern }
        case .float64: return floats { $0.bitPattern }
        }
    }

    /// Writes labels as one compressed file, 8 bits where they fit and 16 where not.
    static func write(_ labels: [UInt16], grid: SpatialGrid, to url: URL) throws {
        let wide = labels.contains { $0 >= 255 }
        let raw = wide ? labels.withUnsafeBytes { Array($0) } : labels.map { UInt8($0) }
        let axes = grid.size.count
        let directions = (0..<axes).map { axis in
            "(" + (0..<axes).map { "\(grid.direction[$0 * axes + axis] * grid.spacing[axis])" }.joined(separator: ",")
                + ")"
        }
        let header = """
            NRRD0004
            type: \(wide ? "unsigned short" : "unsigned char")
            dimension: \(axes)
            \(axes == 3 ? "space: left-posterior-superior" : "space dimension: \(axes)")
            sizes: \(grid.size.map(String.init).joined(separator: " "))
            space directions: \(directions.joined(separator: " "))
            kinds: \(grid.size.map { _ in "domain" }.joined(separator: " "))
            endian: little
            encoding: gzip
            space origin: (\(grid.origin.map { "\($0)" }.joined(separator: ",")))


            """
        try FileBytes.write(Array(header.utf8) + raw.withUnsafeBytes { Deflate.deflate($0, .gzip) }, to: url)
    }
}
