import ArgumentParser
import Imaging
import NNUNet

struct PhantomCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phantom", abstract: "Write a synthetic dataset, to try a set-up before any patient is touched.",
        discussion:
            "EXAMPLE\n  cohort phantom -d 900 --modality CT --cases 40 --test-cases 5 --labels 3 --scanners 4 --seed 7")

    @Option(name: .customShort("d"), help: "The dataset's number.") var dataset = 900
    @Option(help: "The dataset's name.") var name = "Phantom"
    @Option(help: "MR or CT.") var modality = "MR"
    @Option(help: "Training cases.") var cases = 20
    @Option(help: "Test cases, with labels in labelsTs.") var testCases = 4
    @Option(help: "Organs.") var labels = 2
    @Option(parsing: .upToNextOption, help: "Voxels along z y x.") var size = [40, 48, 44]
    @Option(parsing: .upToNextOption, help: "Millimetres along z y x.") var spacing = [1.5, 1, 1]
    @Option(help: "Scanners that the cases are divided among; they differ in contrast, noise, bias field and spacing.")
    var scanners = 2
    @Option(help: "Image channels.") var channels = 1
    @Option(help: "The same seed gives the same dataset.") var seed: UInt64 = 1

    func run() throws {
        guard let kind = Phantom.Modality(rawValue: modality.uppercased()) else {
            throw ValidationError("--modality \(modality) is unknown: MR or CT.")
        }
        guard (1...999).contains(dataset), !name.isEmpty,
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        else {
            throw ValidationError("-d is a number from 1 to 999, --name of letters, digits and underscores.")
        }
        let phantom = try Phantom(
            modality: kind, labels: labels, size: size, spacing: spacing, scanners: scanners, channels: channels,
            seed: seed)
        let digits = String(dataset)
        let folder = DatasetFolders().raw.appending(
            path: "Dataset" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits + "_" + name)
        let progress = Progress("phantom", count: cases + testCases)
        try PhantomDataset(phantom, trainingCases: cases, testCases: testCases).write(to: folder) { progress.show($0) }
        print(folder.path)
    }
}
