import ArgumentParser
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct SplitDatasetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split", abstract: "Divide the training cases of one dataset among sites, to try a federation.",
        discussion: """
            Each site becomes a raw dataset of its own, of links to the images and labels. Cases that --test keeps apart are in \
            imagesTs and labelsTs of every site, and in nobody's training. The dataset's own imagesTs stays where it is.

            EXAMPLE
              cohort datasets split 900 --sites 4 --skew 0.5 --test 20% --first-id 301
              cohort datasets split 900 --column sites.csv      with a first line case,site
            """)

    @Argument(help: "The dataset: a number, or a name such as Dataset004_Hippocampus.") var dataset: String
    @Option(help: "How many sites.") var sites: Int?
    @Option(
        help: ArgumentHelp(
            "Sites of unequal size, drawn from a Dirichlet distribution: 0.1 is very unequal, 100 nearly equal.",
            valueName: "alpha"))
    var skew: Double?
    @Option(
        help: ArgumentHelp("A CSV or TSV file with columns case and site says who has which case.", valueName: "file"))
    var column: String?
    @Option(
        help: ArgumentHelp(
            "Cases to keep apart as a common test set: a number, or a share as 20% or 0.2.", valueName: "n"))
    var test: String?
    @Option(help: "The same seed gives the same sites, and the same test set whatever the sites.") var seed: UInt32 = 1
    @Option(help: "The number of the first site's dataset.") var firstId = 301
    @Flag(help: "Copy images and labels instead of linking them.") var copy = false

    func validate() throws {
        guard (sites == nil) != (column == nil) else {
            throw ValidationError("Give --sites with a number, or --column with a file.")
        }
        if column != nil, skew != nil { throw ValidationError("--skew and --column exclude each other.") }
        _ = try heldOut()
    }

    func run() throws {
        let folders = DatasetFolders()
        let name = try folders.datasetName(dataset)
        let dataset = try RawDataset(folder: folders.raw.appending(path: name))
        try IntegrityCheck(dataset).runQuickly()
        let rule: DatasetSplit.Rule =
            if let column {
                .table(try SiteTable(contentsOf: URL(filePath: column)))
            } else if let skew {
                .dirichlet(sites: sites ?? 0, alpha: skew)
            } else {
                .equal(sites: sites ?? 0)
            }
        let split = try DatasetSplit(of: dataset.cases.map(\.identifier), rule, heldOut: heldOut(), seed: seed)
        let new = try NewRawDatasets(split.titles(of: dataset), firstID: firstId, in: folders)
        let written = try split.write(dataset, as: new, images: copy ? .copy : .link)
        for (site, folder) in zip(split.sites, written) {
            print("\(folder.lastPathComponent): \(site.cases.count) \(site.cases.count == 1 ? "case" : "cases")")
        }
        if !split.heldOut.isEmpty { print("Kept apart in imagesTs of each: \(split.heldOut.count)") }
    }

    private func heldOut() throws -> DatasetSplit.HeldOut {
        guard let test else { return .count(0) }
        if let count = Int(test), count >= 0 { return .count(count) }
        if test.hasSuffix("%"), let percent = Double(test.dropLast()), percent > 0, percent < 100 {
            return .share(percent / 100)
        }
        if let share = Double(test), share > 0, share < 1 { return .share(share) }
        throw ValidationError("--test \(test) is neither a number of cases nor a share such as 20% or 0.2.")
    }
}
