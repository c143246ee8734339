/// An image as its file holds it, before a reader brings it into nnU-Net's form.
public struct StoredImage: Sendable {
    /// What the file is, such as "NIfTI-1".
    public var format: String
    public var pixelType: PixelType
    /// Numbers of voxels, fastest axis first.
    public var size: [Int]
    /// Numbers per voxel: 1, or 3 and 4 for colours.
    public var components: Int
    /// Slowest axis first, components fastest, slope and intercept applied.
    public var values: [Float]
    /// In (x, y, z) as ITK gives them; direction row by row.
    public var spacing: [Double]
    public var origin: [Double]
    public var direction: [Double]
    /// Why ITK would refuse the file although it can be read, if so.
    public var refusal: String?
    /// What ITK adds to every voxel although the header's slope is 0, which by NIfTI means that nothing is to be scaled.
    public var interceptWithoutSlope: Float = 0
    /// NIfTI's own 4×4 matrix in RAS as nibabel gives it, row by row, and its zooms.
    public var affine: [Double]?
    public var zooms: [Double]?

    /// Multiplies sizes and refuses what cannot be a size: the product of `size` and `components`, at most `limit`.
    static func count(_ size: [Int], components: Int, limit: Int = 1 << 34, name: String) throws -> Int {
        var total = components
        for length in size {
            guard length > 0 else {
                throw ImagingError.damaged(name, reason: "its header gives an axis of \(length) voxels")
            }
            let (product, overflow) = total.multipliedReportingOverflow(by: length)
            guard !overflow, product <= limit else {
                throw ImagingError.damaged(name, reason: "its header promises an impossible size, \(size)")
            }
            total = product
        }
        return total
    }
}

extension Substring {
    /// Without white space at its ends, as the keys and values of text headers are read.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}

extension StoredImage {
    /// Which way the axes run, such as "RAS"; nil for anything but three axes.
    public var orientation: String? {
        size.count >= 3
            ? Orientation(ofDirection: (0..<9).map { direction[$0 / 3 * size.count + $0 % 3] }).description : nil
    }
}
