import Foundation
import NNUNet

enum NNUNetFolders {
    /// The folders of a machine without a dataset.
    static func empty(_ folder: URL) -> DatasetFolders {
        DatasetFolders(
            raw: folder.appending(path: "raw"), preprocessed: folder.appending(path: "preprocessed"),
            results: folder.appending(path: "results"))
    }
}
