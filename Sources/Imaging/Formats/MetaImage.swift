#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// MetaImage (`.mha`, and `.mhd` with a data file), ITK's own format.
enum MetaImage {
    private static let types: [String: PixelType] = [
        "MET_CHAR": .int8, "MET_UCHAR": .uint8, "MET_SHORT": .int16, "MET_USHORT": .uint16, "MET_INT": .int32,
        "MET_UINT": .uint32,
        "MET_LONG": .int32, "MET_ULONG": .uint32, "MET_LONG_LONG": .int64, "MET_ULONG_LONG": .uint64,
        "MET_FLOAT": .float32,
        "MET_DOUBLE": .float64,
    ]

    static func read(_ url: URL) throws -> StoredImage {
        let name = url.lastPathComponent
        let bytes = try FileBytes.readRaw(url)
        let (fields, position) = try fields(bytes, name)
        func numbers(_ keys: [String]) -> [Double]? {
            keys.lazy.compactMap { fields[$0] }.first?.split(separator: " ").compactMap { Double($0) }
        }
        func isTrue(_ key: String) -> Bool { ["true", "1"].contains(fields[key]?.lowercased() ?? "") }
        guard let rank = fields["NDims"].flatMap({ Int($0) }), (1...10).contains(rank),
            let size = fields["DimSize"]?.split(separator: " ").compactMap({ Int($0) }), size.count == rank
        else { throw ImagingError.damaged(name, reason: "its header lacks NDims or a DimSize that fits") }
        guard let typeName = fields["ElementType"], let type = types[typeName.replacing("_ARRAY", with: "")] else {
            throw ImagingError.unsupported(
                name, reason: "its element type \(fields["ElementType"] ?? "(none)") is unknown")
        }
        let components = fields["ElementNumberOfChannels"].flatMap { Int($0) } ?? 1
        guard (1...64).contains(components) else {
            throw ImagingError.damaged(name, reason: "it has \(components) numbers a voxel")
        }
        let count = try StoredImage.count(size, components: components, name: name)
        let data = try content(
            fields["ElementDataFile"]!, header: bytes, from: position, url: url, isCompressed: isTrue("CompressedData"),
            size: count * type.size, skip: fields["HeaderSize"].flatMap { Int($0) } ?? 0)
        guard data.count >= count * type.size else {
            throw ImagingError.damaged(
                name, reason: "its header promises \(count * type.size) bytes of voxels, but there are \(data.count)")
        }
        let values = data.withUnsafeBytes {
            type.floats($0, count: count, bigEndian: isTrue("BinaryDataByteOrderMSB") || isTrue("ElementByteOrderMSB"))
        }
        let spacing = numbers(["ElementSpacing", "ElementSize"]) ?? size.map { _ in 1 }
        let origin = numbers(["Offset", "Position", "Origin"]) ?? size.map { _ in 0 }
        let identity = (0..<rank * rank).map { $0 / rank == $0 % rank ? 1.0 : 0 }
        // MetaImage lists the direction axis by axis; ITK's matrix has the axes in its columns.
        let columns = numbers(["TransformMatrix", "Rotation", "Orientation"]) ?? identity
        guard spacing.count == rank, origin.count == rank, columns.count == rank * rank else {
            throw ImagingError.damaged(name, reason: "spacing, offset or matrix in its header do not have \(rank) axes")
        }
        return StoredImage(
            format: "MetaImage", pixelType: type, size: size, components: components, values: values, spacing: spacing,
            origin: origin, direction: (0..<rank * rank).map { columns[$0 % rank * rank + $0 / rank] })
    }

    /// The header's fields, and where the data begins.
    private static func fields(_ bytes: [UInt8], _ name: String) throws -> ([String: String], Int) {
        var fields: [String: String] = [:]
        var position = 0
        // Text lines "Key = Value" up to ElementDataFile, behind which the data begins.
        while fields["ElementDataFile"] == nil {
            guard position < bytes.count, let end = bytes[position...].firstIndex(of: 0x0A),
                end - position < 4096 || position == 0 && end < 65536,
                let line = String(validating: bytes[position..<end], as: UTF8.self),
                let equals = line.firstIndex(of: "=")
            else { throw ImagingError.damaged(name, reason: "its MetaImage header has no ElementDataFile line") }
            let key = line[..<equals].trimmed
            fields[key] = line[line.index(after: equals)...].trimmed
            position = end + 1
        }
        return (fields, position)
    }

    /// Millimetres between voxels, fastest axis first, from the beginning of the file; nil where it cannot be told.
    static func spacing(_ url: URL) throws -> [Double]? {
        let bytes = try FileBytes.readBeginning(url)
        guard let (fields, _) = try? fields(bytes, url.lastPathComponent) else { return nil }
        let text = fields["ElementSpacing"] ?? fields["ElementSize"]
        let spacing = text?.split(separator: " ").compactMap { Double($0) } ?? []
        return fields["NDims"].flatMap { Int($0) } == spacing.count && !spacing.isEmpty ? spacing : nil
    }

    private static func content(
        _ file: String, header: [UInt8], from position: Int, url: URL, isCompressed: Bool, size: Int, skip: Int
    ) throws -> [UInt8] {
        let name = url.lastPathComponent
        var bytes: ArraySlice<UInt8>
        if file == "LOCAL" {
            bytes = header[position...]
        } else {
            guard !file.hasPrefix("LIST"), !file.contains("%") else {
                throw ImagingError.unsupported(
                    name, reason: "its voxels are spread over several files. Convert it to one .nii.gz.")
            }
            guard !file.contains("/"), !file.contains("\\") else {
                throw ImagingError.unsupported(
                    name, reason: "its data file lies in another folder (\(file)). Put both into one.")
            }
            bytes = try FileBytes.readRaw(url.deletingLastPathComponent().appending(path: file))[...]
            if skip == -1 { bytes = bytes.suffix(size) } else if skip > 0 { bytes = bytes.dropFirst(skip) }
        }
        guard isCompressed else { return Array(bytes) }
        return try bytes.withUnsafeBytes { raw in
            let isGzip = raw.count > 2 && raw[0] == 0x1f && raw[1] == 0x8b
            return try Deflate.inflate(raw, isGzip ? .gzip : .zlib, expected: size, name: name)
        }
    }

    /// Writes labels as one compressed `.mha`, 8 bits where they fit and 16 where not.
    static func write(_ labels: [UInt16], grid: SpatialGrid, to url: URL) throws {
        let wide = labels.contains { $0 >= 255 }
        let raw = wide ? labels.withUnsafeBytes { Array($0) } : labels.map { UInt8($0) }
        let packed = raw.withUnsafeBytes { Deflate.deflate($0, .zlib) }
        let rank = grid.size.count
        func list<T>(_ items: [T]) -> String { items.map { "\($0)" }.joined(separator: " ") }
        let header = """
            ObjectType = Image
            NDims = \(rank)
            BinaryData = True
            BinaryDataByteOrderMSB = False
            CompressedData = True
            CompressedDataSize = \(packed.count)
            TransformMatrix = \(list((0..<rank * rank).map { grid.direction[$0 % rank * rank + $0 / rank] }))
            Offset = \(list(grid.origin))
            CenterOfRotation = \(list(grid.size.map { _ in 0 }))
            ElementSpacing = \(list(grid.spacing))
            DimSize = \(list(grid.size))
            ElementType = \(wide ? "MET_USHORT" : "MET_UCHAR")
            ElementDataFile = LOCAL

            """
        try FileBytes.write(Array(header.utf8) + packed, to: url)
    }
}
