import ArgumentParser
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct ConvertMSDDatasetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert-msd-dataset",
        abstract: "Bring a task of the Medical Segmentation Decathlon into nnU-Net's raw form.",
        discussion: "EXAMPLE\n  cohort convert-msd-dataset -i Task04_Hippocampus")

    @Option(name: .customShort("i"), help: "The task's folder, such as Task04_Hippocampus.") var input: String
    @Option(name: .customLong("overwrite_id", withSingleDash: true), help: "Another number for the dataset.") var id:
        Int?
    @OptionGroup var processes: ProcessOptions

    func run() throws {
        let conversion = try MSDConversion(URL(filePath: input, directoryHint: .isDirectory), id: id)
        print(try conversion.run(into: DatasetFolders().raw, threads: processes.threads).path)
    }
}
