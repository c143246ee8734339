import Foundation
import Imaging
import NNUNet
import SharedData
import Testing

@Suite struct CasePropertiesTests {
    static let folder = "golden/mini_dataset/pp/Dataset901_Mini/nnUNetPlans_3d_fullres"

    @Test(.enabled(if: SharedData.url(folder) != nil, "nnU-Net's preprocessed mini dataset is not here"))
    func readsWhatNNUNetWrote() throws {
        let folder = try #require(SharedData.url(Self.folder))
        let properties = try CaseProperties(contentsOf: folder.appendingPathComponent("c0.pkl"))
        #expect(
            properties.geometry
                == .simpleITK(spacing: [1, 1, 2], origin: [0, 0, 0], direction: [1, 0, 0, 0, 1, 0, 0, 0, 1]))
        #expect(properties.spacing == [2, 1, 1])
        #expect(properties.shapeBeforeCropping == [20, 32, 36])
        #expect(properties.cropBox == [2..<20, 0..<32, 0..<36])
        #expect(properties.shapeAfterCroppingBeforeResampling == [18, 32, 36])
        #expect(properties.classLocations.map(\.labels) == [[1], [2]])
        #expect(properties.classLocations.map(\.coordinates.count) == [816 * 4, 48 * 4])
    }

    @Test(.enabled(if: SharedData.url(folder) != nil, "nnU-Net's preprocessed mini dataset is not here"))
    func writesTheSameValue() throws {
        let folder = try #require(SharedData.url(Self.folder))
        for name in ["c0", "c1", "c2", "c3", "c4", "c5"] {
            let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("\(name).pkl")))
            let value = try Unpickler.value(of: bytes)
            let properties = try CaseProperties(pickle: value, file: name)
            #expect(properties.pickleValue == value)
        }
    }

    @Test(arguments: [
        ImageGeometry.none,
        .simpleITKReoriented(
            spacing: [1, 2, 3], origin: [-1, 0, 5], direction: [1, 0, 0, 0, 1, 0, 0, 0, 1], originalOrientation: "LPS"),
        .nibabel(affine: (0..<16).map(Double.init), reoriented: nil),
        .nibabel(affine: (0..<16).map(Double.init), reoriented: (0..<16).map { -Double($0) }),
    ])
    func roundTrip(geometry: ImageGeometry) throws {
        let properties = CaseProperties(
            geometry: geometry, spacing: [3, 2, 1], shapeBeforeCropping: [9, 8, 7], cropBox: [1..<9, 0..<8, 2..<7],
            shapeAfterCroppingBeforeResampling: [8, 8, 5],
            classLocations: [
                ClassLocations(labels: [1], isRegion: false, coordinates: [0, 1, 2, 3, 0, 4, 5, 4]),
                ClassLocations(labels: [1, 2], isRegion: true, coordinates: []),
            ])
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("case.pkl")
            try properties.write(to: url)
            #expect(try CaseProperties(contentsOf: url) == properties)
        }
    }

    @Test func saysWhatIsMissing() throws {
        let error = #expect(throws: FileError.self) {
            try CaseProperties(pickle: .dictionary([("spacing", .list([]))]), file: "case.pkl")
        }
        #expect("\(try #require(error))".contains("shape_before_cropping"))
    }
}
