import NNUNet
import Testing

@Suite struct FileNameTests {
    @Test(arguments: ["nnUNetPlans", "3d_fullres", "Dataset004_Hippocampus", "..a", "größe", ".hidden"])
    func names(_ name: String) { #expect(name.isFileName) }

    @Test(arguments: ["", ".", "..", "a/b", "/a", "../a", "a\0b", String(repeating: "a", count: 201)])
    func paths(_ path: String) {
        #expect(!path.isFileName)
        #expect(DatasetFolders.id(of: "Dataset004_\(path)/..") == nil)
    }
}
