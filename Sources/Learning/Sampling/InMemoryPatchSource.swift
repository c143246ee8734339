import Imaging
import NNUNet

/// A case that is held in memory.
public struct InMemoryPatchSource: PatchSource {
    public let identifier: String
    public let classLocations: [ClassLocations]
    private let data: Volume<Float>
    private let segmentation: Volume<Int16>

    public var channels: Int { data.shape[0] }
    public var shape: [Int] { Array(data.shape.dropFirst()) }

    /// - Throws: ``SamplingError`` where the case has no label, or its shapes do not fit each other.
    public init(identifier: String, case preprocessed: PreprocessedCase) throws {
        try self.init(
            identifier: identifier, data: preprocessed.data, segmentation: preprocessed.segmentation,
            classLocations: preprocessed.properties.classLocations)
    }

    /// - Parameters:
    ///   - data: (channel, z, y, x).
    ///   - segmentation: (1, z, y, x).
    public init(
        identifier: String, data: Volume<Float>, segmentation: Volume<Int16>?, classLocations: [ClassLocations]
    ) throws {
        guard let segmentation else { throw SamplingError.caseHasNoLabel(identifier: identifier) }
        guard data.rank == 4, segmentation.rank == 4, data.count > 0, segmentation.shape[0] >= 1,
            data.shape.dropFirst() == segmentation.shape.dropFirst()
        else {
            throw SamplingError.shapesDiffer(identifier: identifier, data: data.shape, labels: segmentation.shape)
        }
        self.identifier = identifier
        self.classLocations = classLocations
        self.data = data
        self.segmentation = segmentation
    }

    public func read(
        _ box: [Range<Int>], image: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<Int16>
    ) throws {
        withMemory { data, segmentation in
            let width = box[2].count
            let voxels = box[0].count * box[1].count * width
            var voxel = 0
            for z in box[0] {
                for y in box[1] {
                    let offset = (z * shape[1] + y) * shape[2] + box[2].lowerBound
                    (labels + voxel).update(from: segmentation + offset, count: width)
                    for channel in 0..<channels {
                        let from = data + channel * (shape[0] * shape[1] * shape[2]) + offset
                        (image + channel * voxels + voxel).update(from: from, count: width)
                    }
                    voxel += width
                }
            }
        }
    }

    public func withMemory<Result>(
        _ body: (_ image: UnsafePointer<Float>, _ labels: UnsafePointer<Int16>) throws -> Result
    ) rethrows -> Result? {
        try data.elements.withUnsafeBufferPointer { data in
            try segmentation.elements.withUnsafeBufferPointer { segmentation in
                guard let data = data.baseAddress, let segmentation = segmentation.baseAddress else { return nil }
                return try body(data, segmentation)
            }
        }
    }
}
