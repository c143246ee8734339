import Foundation
import Testing
import Imaging

/// Labels that a reader's writer wrote come back through the reader.
@Suite struct SegmentationWritingTests {
    @Test(arguments: [ImageReaderWriter.naturalImage2D, .tiff3D], [UInt16(254), 255, 40_000])
    func flatFormatsKeepEveryLabel(_ reader: ImageReaderWriter, _ highest: UInt16) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cohort-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let depth = reader == .tiff3D ? 3 : 1
        let labels = Volume<UInt16>(
            shape: [depth, 5, 7], elements: (0..<depth * 35).map { $0 == 17 ? highest : UInt16($0) })
        for ending in reader == .tiff3D ? ["tif"] : ["png", "tif"] {
            let file = folder.appending(path: "case.\(ending)")
            try reader.writeSegmentation(labels, geometry: .none, spacing: [2.5, 1, 0.5], to: file)
            let image = try reader.readSegmentation(file)
            #expect(image.voxels.elements == labels.elements.map { Float($0) })
            if reader == .tiff3D { #expect(image.spacing == [2.5, 1, 0.5]) }
            // nnU-Net's choice: 8 bits below 255.
            #expect(try StoredImage.read(file).pixelType == (highest < 255 ? .uint8 : .uint16))
        }
    }
}
