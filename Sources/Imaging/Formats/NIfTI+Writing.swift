#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension NIfTI {
    /// Writes labels, as 8 bits where they fit and 16 where not; compressed where the name ends in `.gz`.
    ///
    /// - Parameters:
    ///   - labels: C order of `size` reversed, the slowest axis first.
    ///   - size: fastest axis first, 2 or 3 axes.
    ///   - affine: voxel to RAS, 4×4, row by row.
    static func write(_ labels: [UInt16], size: [Int], spacing: [Double], affine: [Double], to url: URL) throws {
        try write(
            labels.contains { $0 >= 255 }
                ? (512, 16, labels.withUnsafeBytes { Array($0) }) : (2, 8, labels.map { UInt8($0) }),
            size: size, spacing: spacing, affine: affine, to: url)
    }

    /// Writes an image of 32-bit floats.
    static func write(_ values: [Float], size: [Int], spacing: [Double], affine: [Double], to url: URL) throws {
        try write((16, 32, values.withUnsafeBytes { Array($0) }), size: size, spacing: spacing, affine: affine, to: url)
    }

    private static func write(
        _ content: (datatype: Int16, bits: Int16, bytes: [UInt8]), size: [Int], spacing: [Double], affine: [Double], to url: URL
    ) throws {
        guard size.count <= 7, size.allSatisfy({ $0 <= Int16.max }) else {
            throw ImagingError.unsupported(url.lastPathComponent, reason: "an axis of more than 32767 voxels does not fit NIfTI-1")
        }
        var header = [UInt8](repeating: 0, count: 352)
        func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
            withUnsafeBytes(of: value.littleEndian) { header.replaceSubrange(offset..<offset + $0.count, with: $0) }
        }
        func put(_ value: Double, at offset: Int) { put(Float(value).bitPattern, at: offset) }
        put(Int32(348), at: 0)
        header[38] = UInt8(ascii: "r")
        put(Int16(size.count), at: 40)
        for axis in 0..<7 { put(Int16(axis < size.count ? size[axis] : 1), at: 42 + 2 * axis) }
        put(content.datatype, at: 70)
        put(content.bits, at: 72)
        let (quatern, flip) = quaternion(affine)
        put(flip, at: 76)
        for axis in 0..<7 { put(axis < spacing.count ? spacing[axis] : 1, at: 80 + 4 * axis) }
        put(352.0, at: 108)
        put(1.0, at: 112)
        header[123] = 2  // millimetres
        put(Int16(1), at: 252)
        put(Int16(1), at: 254)
        for index in 0..<3 {
            put(quatern[index], at: 256 + 4 * index)
            put(affine[4 * index + 3], at: 268 + 4 * index)
        }
        for index in 0..<12 { put(affine[index], at: 280 + 4 * index) }
        header.replaceSubrange(344..<348, with: Array("n+1".utf8) + [0])
        let bytes = header + content.bytes
        let isCompressed = url.pathExtension.lowercased() == "gz"
        try FileBytes.write(isCompressed ? bytes.withUnsafeBytes { Deflate.deflate($0, .gzip) } : bytes, to: url)
    }

    /// The rotation as a quaternion's last three numbers, and −1 where the third axis is mirrored.
    private static func quaternion(_ affine: [Double]) -> (numbers: [Double], flip: Double) {
        var r = [Double](repeating: 0, count: 9)
        for column in 0..<3 {
            let length = (0..<3).reduce(0) { $0 + affine[4 * $1 + column] * affine[4 * $1 + column] }.squareRoot()
            for row in 0..<3 { r[3 * row + column] = length > 0 ? affine[4 * row + column] / length : (row == column ? 1 : 0) }
        }
        let determinant =
            r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) + r[2] * (r[3] * r[7] - r[4] * r[6])
        let flip = determinant < 0 ? -1.0 : 1.0
        if flip < 0 { for row in 0..<3 { r[3 * row + 2] *= -1 } }
        let trace = r[0] + r[4] + r[8] + 1
        if trace > 0.5 {
            let a = 0.5 * trace.squareRoot()
            return ([0.25 * (r[7] - r[5]) / a, 0.25 * (r[2] - r[6]) / a, 0.25 * (r[3] - r[1]) / a], flip)
        }
        let x = 1 + r[0] - (r[4] + r[8])
        let y = 1 + r[4] - (r[0] + r[8])
        let z = 1 + r[8] - (r[0] + r[4])
        var a: Double
        var (b, c, d): (Double, Double, Double)
        if x > 1 {
            b = 0.5 * x.squareRoot()
            (c, d, a) = (0.25 * (r[1] + r[3]) / b, 0.25 * (r[2] + r[6]) / b, 0.25 * (r[7] - r[5]) / b)
        } else if y > 1 {
            c = 0.5 * y.squareRoot()
            (b, d, a) = (0.25 * (r[1] + r[3]) / c, 0.25 * (r[5] + r[7]) / c, 0.25 * (r[2] - r[6]) / c)
        } else {
            d = 0.5 * z.squareRoot()
            (b, c, a) = (0.25 * (r[2] + r[6]) / d, 0.25 * (r[5] + r[7]) / d, 0.25 * (r[3] - r[1]) / d)
        }
        return (a < 0 ? [-b, -c, -d] : [b, c, d], flip)
    }
}
