import Foundation
import Imaging
import SharedData
import Testing

/// The spacing of a header is that of the whole image.
@Suite struct HeaderSpacingTests {
    @Test(arguments: [".nii", ".nii.gz"]) func writtenImages(ending: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "spacing-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "image\(ending)")
        var state: UInt32 = 1
        // Noise does not compress: what the beginning of the file holds is no more than its own size.
        let noise = (0..<40 * 50 * 60).map { _ -> Float in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8)
        }
        try ImageWriter.write(
            Volume(shape: [40, 50, 60], elements: noise), spacing: [2.5, 0.75, 1.25], to: file)
        let reader: ImageReaderWriter = ending == ".nii" ? .nibabel : .simpleITK
        #expect(try reader.spacing(of: file) == reader.readImages([file]).spacing)
        #expect(try reader.spacing(of: file) == [2.5, 0.75, 1.25])
        // The header is enough: the voxels may be cut off.
        try Data(contentsOf: file).prefix(16_384).write(to: file)
        #expect(throws: ImagingError.self) { try reader.readImages([file]) }
        #expect(try reader.spacing(of: file) == [2.5, 0.75, 1.25])
        try Data("no image".utf8).write(to: file)
        #expect(throws: ImagingError.self) { try reader.spacing(of: file) }
    }

    @Test(.enabled(if: SharedData.url("data/reader_fixtures/catalog.csv") != nil, "reader fixtures are not here"))
    func otherProgramsFiles() throws {
        let folder = SharedData.url("data/reader_fixtures")!
        let rows = try String(contentsOf: folder.appending(path: "catalog.csv"), encoding: .utf8).split(
            whereSeparator: \.isNewline
        ).dropFirst()
        var compared: [String: Int] = [:]
        for row in rows {
            let url = folder.appending(path: String(row.prefix { $0 != "," }))
            guard let image = try? ImageReaderWriter.simpleITK.readImages([url]) else { continue }
            #expect(try ImageReaderWriter.simpleITK.spacing(of: url) == image.spacing, "\(url.lastPathComponent)")
            compared[url.pathExtension, default: 0] += 1
        }
        #expect(compared["nrrd", default: 0] > 0 && compared["mha", default: 0] > 0, "\(compared)")
        #expect(compared["gz", default: 0] + compared["nii", default: 0] > 0, "\(compared)")
    }
}
