#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// NIfTI-1 and NIfTI-2 (nifti.nimh.nih.gov), single files and pairs, plain and compressed.
enum NIfTI {
    /// The fields that both versions have, decoded.
    private struct Header {
        var version: Int
        var bigEndian: Bool
        var dim: [Int]
        var datatype: Int
        var pixdim: [Double]
        var voxOffset: Int
        var slope: Double
        var intercept: Double
        var qformCode: Int
        var sformCode: Int
        var quatern: [Double]  // b, c, d, offsets x, y, z
        var srow: [Double]  // 12 numbers
        var isPair: Bool
    }

    static func recognises(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 348 else { return false }
        return header(bytes) != nil
    }

    static func read(_ url: URL) throws -> StoredImage {
        let name = url.lastPathComponent
        let (headerURL, dataURL) = pair(url)
        let bytes = try FileBytes.read(headerURL)
        guard bytes.count >= 348 else {
            throw ImagingError.damaged(name, reason: "it has \(bytes.count) bytes, less than a NIfTI header")
        }
        guard let header = header(bytes) else {
            throw ImagingError.unsupported(
                name,
                reason: "it is not a NIfTI file: neither a header of version 1 nor of version 2 is at its beginning")
        }
        let rank = header.dim[0]
        guard (1...7).contains(rank) else { throw ImagingError.damaged(name, reason: "its header gives \(rank) axes") }
        var size = header.dim[1...rank].map { $0 }
        while size.count < 2 { size.append(1) }
        while size.count > 2, size.last == 1 { size.removeLast() }
        let (type, components) = try pixelType(header.datatype, name)
        let count = try StoredImage.count(size, components: components, name: name)
        let dataBytes: [UInt8]
        let offset: Int
        if header.isPair, dataURL != headerURL {
            dataBytes = try FileBytes.read(dataURL)
            offset = max(0, header.voxOffset)
        } else {
            dataBytes = bytes
            offset = max(header.voxOffset, header.version == 1 ? 348 : 540)
        }
        let needed = offset + count * type.size
        guard dataBytes.count >= needed else {
            throw ImagingError.damaged(
                name,
                reason:
                    "its header promises \(size.map(String.init).joined(separator: "×")) voxels of \(type.rawValue), \(needed) bytes, but there are \(dataBytes.count). Copy the file again from its source."
            )
        }
        let usesSlope = header.slope != 0 && header.slope.isFinite && header.intercept.isFinite
        let values = dataBytes.withUnsafeBytes {
            type.floats(
                UnsafeRawBufferPointer(rebasing: $0[offset..<needed]), count: count, bigEndian: header.bigEndian,
                slope: usesSlope ? header.slope : 1, intercept: usesSlope ? header.intercept : 0)
        }
        var image = StoredImage(
            format: "NIfTI-\(header.version)", pixelType: type, size: size, components: components, values: values,
            spacing: [], origin: [], direction: [], refusal: nil, affine: nil, zooms: nil)
        if header.slope == 0, header.intercept.isFinite { image.interceptWithoutSlope = Float(header.intercept) }
        orient(&image, header)
        return image
    }

    /// Millimetres between voxels, fastest axis first, from the beginning of a header's file; nil where it cannot be told.
    static func spacing(_ url: URL) throws -> [Double]? {
        let bytes = try FileBytes.readBeginning(pair(url).0)
        guard bytes.count >= 348, let header = header(bytes), (1...7).contains(header.dim[0]) else { return nil }
        var rank = max(2, header.dim[0])
        while rank > 2, header.dim[rank] == 1 { rank -= 1 }
        return (1...rank).map { header.pixdim[$0] == 0 ? 1 : abs(header.pixdim[$0]) }
    }

    /// The header's file and the data's, for any of the names of a pair.
    private static func pair(_ url: URL) -> (URL, URL) {
        let compressed = url.pathExtension.lowercased() == "gz"
        let stem = compressed ? url.deletingPathExtension() : url
        let kind = stem.pathExtension.lowercased()
        guard kind == "hdr" || kind == "img" else { return (url, url) }
        let base = stem.deletingPathExtension()
        func existing(_ ending: String) -> URL {
            let plain = base.appendingPathExtension(ending)
            let zipped = plain.appendingPathExtension("gz")
            let exists =
                FileManager.default.fileExists(atPath: plain.path)
                || !FileManager.default.fileExists(atPath: zipped.path)
            return exists ? plain : zipped
        }
        return (existing("hdr"), existing("img"))
    }

    private static func header(_ bytes: [UInt8]) -> Header? {
        bytes.withUnsafeBytes { raw in
            let first = raw.loadUnaligned(as: UInt32.self)
            let size = UInt32(littleEndian: first)
            let swapped = UInt32(bigEndian: first)
            let bigEndian: Bool
            let version: Int
            switch (size, swapped) {
            case (348, _): (bigEndian, version) = (false, 1)
            case (_, 348): (bigEndian, version) = (true, 1)
            case (540, _): (bigEndian, version) = (false, 2)
            case (_, 540): (bigEndian, version) = (true, 2)
            default: return nil
            }
            func integer<T: FixedWidthInteger>(_ offset: Int, _: T.Type) -> Int {
                let value = raw.loadUnaligned(fromByteOffset: offset, as: T.self)
                return Int(truncatingIfNeeded: bigEndian ? T(bigEndian: value) : T(littleEndian: value))
            }
            func float(_ offset: Int) -> Double {
                let value = raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                return Double(Float(bitPattern: bigEndian ? UInt32(bigEndian: value) : UInt32(littleEndian: value)))
            }
            func double(_ offset: Int) -> Double {
                let value = raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                return Double(bitPattern: bigEndian ? UInt64(bigEndian: value) : UInt64(littleEndian: value))
            }
            if version == 1 {
                let magic = Array(raw[344..<348])
                let single = magic.starts(with: Array("n+1".utf8))
                guard single || magic.starts(with: Array("ni1".utf8)) else { return nil }
                let offset = float(108)
                return Header(
                    version: 1, bigEndian: bigEndian, dim: (0..<8).map { integer(40 + 2 * $0, Int16.self) },
                    datatype: integer(70, Int16.self), pixdim: (0..<8).map { float(76 + 4 * $0) },
                    voxOffset: offset.isFinite && abs(offset) < 1e9 ? Int(offset) : 0, slope: float(112),
                    intercept: float(116),
                    qformCode: integer(252, Int16.self), sformCode: integer(254, Int16.self),
                    quatern: (0..<6).map { float(256 + 4 * $0) }, srow: (0..<12).map { float(280 + 4 * $0) },
                    isPair: !single)
            }
            guard raw.count >= 540 else { return nil }
            let single = Array(raw[4..<7]) == Array("n+2".utf8)
            guard single || Array(raw[4..<7]) == Array("ni2".utf8) else { return nil }
            return Header(
                version: 2, bigEndian: bigEndian, dim: (0..<8).map { integer(16 + 8 * $0, Int64.self) },
                datatype: integer(12, Int16.self), pixdim: (0..<8).map { double(104 + 8 * $0) },
                voxOffset: max(0, min(integer(168, Int64.self), 1 << 40)), slope: double(176), intercept: double(184),
                qformCode: integer(344, Int32.self), sformCode: integer(348, Int32.self),
                quatern: (0..<6).map { double(352 + 8 * $0) }, srow: (0..<12).map { double(400 + 8 * $0) },
                isPair: !single)
        }
    }

    private static func pixelType(_ code: Int, _ name: String) throws -> (PixelType, Int) {
        switch code {
        case 2: return (.uint8, 1)
        case 4: return (.int16, 1)
        case 8: return (.int32, 1)
        case 16: return (.float32, 1)
        case 64: return (.float64, 1)
        case 128: return (.uint8, 3)
        case 256: return (.int8, 1)
        case 512: return (.uint16, 1)
        case 768: return (.uint32, 1)
        case 1024: return (.int64, 1)
        case 1280: return (.uint64, 1)
        case 2304: return (.uint8, 4)
        case 32, 1792, 2048:
            throw ImagingError.unsupported(
                name, reason: "its voxels are complex numbers. Save magnitude or phase as an image of its own.")
        case 1536: throw ImagingError.unsupported(name, reason: "its voxels are 128-bit floats. Convert it to float32.")
        default: throw ImagingError.damaged(name, reason: "its header gives the unknown data type \(code)")
        }
    }

    // MARK: Orientation

    private static func orient(_ image: inout StoredImage, _ header: Header) {
        let rank = image.size.count
        let pixdim = header.pixdim.map(abs)
        image.zooms = (0..<rank).map { $0 + 1 < 8 ? (pixdim[$0 + 1] == 0 && $0 < 3 ? 1 : pixdim[$0 + 1]) : 1 }
        let zooms = (0..<3).map { pixdim[$0 + 1] == 0 ? 1 : pixdim[$0 + 1] }
        let qform = quaternMatrix(header, zooms)
        let sform = header.srow + [0, 0, 0, 1]
        // nibabel: the sform, else the qform, else the middle of the image with the first axis to the left.
        if header.sformCode > 0 {
            image.affine = sform
        } else if header.qformCode > 0 {
            image.affine = qform
        } else {
            let half = (0..<3).map { $0 < rank ? (Double(image.size[$0]) - 1) / 2 : 0 }
            image.affine = [
                -zooms[0], 0, 0, half[0] * zooms[0], 0, zooms[1], 0, -half[1] * zooms[1], 0, 0, zooms[2],
                -half[2] * zooms[2], 0, 0, 0, 1,
            ]
        }
        // ITK: the sform where it is a scanner's and has right angles, or where there is no qform; spacing is always pixdim.
        image.spacing = (0..<rank).map { $0 + 1 < 8 && pixdim[$0 + 1] != 0 ? pixdim[$0 + 1] : 1 }
        var matrix: [Double]?
        let sformFits = header.sformCode > 0 && isOrthogonal(sform)
        if sformFits, header.sformCode == 1 || header.qformCode <= 0 {
            matrix = sform
        } else if header.qformCode > 0 {
            matrix = qform
        } else if header.sformCode > 0 {
            image.refusal = "its axes are not at right angles, which ITK refuses"
            matrix = sform
        }
        let axes = min(rank, 3)
        var direction = [Double](repeating: 0, count: rank * rank)
        var origin = [Double](repeating: 0, count: rank)
        for axis in 0..<rank { direction[axis * rank + axis] = 1 }
        if let matrix {
            for column in 0..<axes {
                let length = (0..<3).reduce(0) { $0 + matrix[4 * $1 + column] * matrix[4 * $1 + column] }.squareRoot()
                for row in 0..<axes {
                    let sign = row < 2 ? -1.0 : 1.0  // RAS to LPS
                    direction[row * rank + column] =
                        length > 0 ? sign * matrix[4 * row + column] / length : (row == column ? 1 : 0)
                }
            }
            for row in 0..<axes { origin[row] = (row < 2 ? -1 : 1) * matrix[4 * row + 3] }
        }
        if rank > 3 { for axis in 3..<rank { origin[axis] = 0 } }
        image.origin = origin
        image.direction = direction.map { $0 == 0 ? 0 : $0 }
    }

    private static func quaternMatrix(_ header: Header, _ zooms: [Double]) -> [Double] {
        var (b, c, d) = (header.quatern[0], header.quatern[1], header.quatern[2])
        var a = 1 - (b * b + c * c + d * d)
        if a < 1e-7 {
            let length = 1 / (b * b + c * c + d * d).squareRoot()
            (b, c, d, a) = (b * length, c * length, d * length, 0)
        } else {
            a = a.squareRoot()
        }
        let flip = header.pixdim[0] < 0 ? -1.0 : 1.0
        let (x, y, z) = (zooms[0], zooms[1], zooms[2] * flip)
        return [
            (a * a + b * b - c * c - d * d) * x, 2 * (b * c - a * d) * y, 2 * (b * d + a * c) * z, header.quatern[3],
            2 * (b * c + a * d) * x, (a * a + c * c - b * b - d * d) * y, 2 * (c * d - a * b) * z, header.quatern[4],
            2 * (b * d - a * c) * x, 2 * (c * d + a * b) * y, (a * a + d * d - c * c - b * b) * z, header.quatern[5],
            0, 0, 0, 1,
        ]
    }

    private static func isOrthogonal(_ matrix: [Double]) -> Bool {
        func dot(_ a: Int, _ b: Int) -> Double { (0..<3).reduce(0) { $0 + matrix[4 * $1 + a] * matrix[4 * $1 + b] } }
        let lengths = (0..<3).map { dot($0, $0).squareRoot() }
        guard lengths.allSatisfy({ $0 > 0 && $0.isFinite }) else { return false }
        return [(0, 1), (0, 2), (1, 2)].allSatisfy { abs(dot($0, $1)) / (lengths[$0] * lengths[$1]) < 1e-4 }
    }
}
