import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Who takes part in a simulation: the run's sites, or those that one dataset is split among, with labels that go together.
struct SiteDatasets {
    var members: [RunFile.Site]

    init(_ run: RunFile, folders: DatasetFolders, print: (String) -> Void) throws {
        members = run.sites
        if let split = run.split { members = try Self.split(split, folders: folders, print: print) }
        if let rule = run.labels.rule { try harmonise(run, rule, folders: folders, print: print) }
    }

    /// Makes the datasets of the sites, or takes those that the same split made before.
    private static func split(_ split: RunFile.Split, folders: DatasetFolders, print: (String) -> Void) throws
        -> [RunFile.Site]
    {
        let raw = try RawDataset(folder: folders.raw.appending(path: folders.datasetName(split.dataset)))
        let divided = try DatasetSplit(
            of: raw.cases.map(\.identifier), split.makeRule(), heldOut: split.test, seed: split.seed)
        let titles = try divided.titles(of: raw)
        let names = titles.enumerated().map { DatasetFolders.name(id: split.firstID + $0, title: $1) }
        let existing = names.filter { FileManager.default.fileExists(atPath: folders.raw.appending(path: $0).path) }
        if existing.isEmpty {
            _ = try divided.write(raw, as: NewRawDatasets(titles, firstID: split.firstID, in: folders))
        } else {
            for (name, site) in zip(names, divided.sites) {
                let there = try? RawDataset(folder: folders.raw.appending(path: name))
                guard there?.cases.map(\.identifier) == site.cases,
                    try there?.testCases().map(\.identifier) == divided.heldOut
                else {
                    throw NNUNetError.plan(
                        "\(name) is there already, with other cases than this split gives. Choose another split.first_id, or delete it."
                    )
                }
            }
        }
        for (name, site) in zip(names, divided.sites) { print("\(site.name): \(name), \(site.cases.count) cases") }
        if !divided.heldOut.isEmpty { print("\(divided.heldOut.count) cases are kept apart for testing") }
        return zip(names, divided.sites).map { name, site in
            var member = RunFile.Site(name: site.name, dataset: name)
            member.fold = split.fold
            member.threads = split.threads
            return member
        }
    }

    private mutating func harmonise(
        _ run: RunFile, _ rule: LabelHarmonisation.Rule, folders: DatasetFolders, print: (String) -> Void
    ) throws {
        let raws = try members.map {
            try RawDataset(folder: folders.raw.appending(path: folders.datasetName($0.dataset)))
        }
        let harmonisation = try LabelHarmonisation(
            zip(members, raws).map { (name: $0.name, description: $1.description) }, rule: rule)
        for warning in harmonisation.warnings { print(warning) }
        let firstID = (run.split?.firstID ?? 301) + 100
        let titles = raws.map { DatasetFolders.title(of: $0.folder.lastPathComponent) + "_" + run.labels.rawValue }
        let names = titles.enumerated().map { DatasetFolders.name(id: firstID + $0, title: $1) }
        if !names.allSatisfy({ FileManager.default.fileExists(atPath: folders.raw.appending(path: $0).path) }) {
            _ = try harmonisation.write(raws, as: NewRawDatasets(titles, firstID: firstID, in: folders))
        }
        for (name, raw) in zip(names, raws) {
            let there = try RawDataset(folder: folders.raw.appending(path: name))
            guard there.description.labels == harmonisation.labels, there.cases.count == raw.cases.count else {
                throw NNUNetError.plan(
                    "\(name) is there already, harmonised for other sites. Delete it, or take other labels.")
            }
        }
        for index in members.indices {
            members[index].dataset = names[index]
            print(
                "\(members[index].name): \(names[index]), labels \(harmonisation.labels.map(\.name).joined(separator: ", "))"
            )
        }
    }
}
