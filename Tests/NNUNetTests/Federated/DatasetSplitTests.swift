import Foundation
import Imaging
import NNUNet
import Testing

struct DatasetSplitTests {
    private func cases(_ count: Int) -> [String] { (0..<count).map { "case_\($0)" } }

    private func expectPartition(_ split: DatasetSplit, of cases: [String], sites: Int, heldOut: Int) {
        #expect(split.sites.count == sites && split.heldOut.count == heldOut)
        #expect(split.sites.allSatisfy { !$0.cases.isEmpty })
        #expect((split.sites.flatMap(\.cases) + split.heldOut).sorted() == cases.sorted())
        #expect(split.sites.allSatisfy { $0.cases == $0.cases.sorted() })
    }

    @Test func everyCaseIsInOneSiteWhateverTheSeed() throws {
        for seed in UInt32(0)..<300 {
            let count = 5 + Int(seed) % 40
            let sites = 1 + Int(seed) % 5
            let tests = Int(seed) % (count - sites + 1)
            for rule in [
                DatasetSplit.Rule.equal(sites: sites), .dirichlet(sites: sites, alpha: 0.1),
                .dirichlet(sites: sites, alpha: 100),
            ] {
                let split = try DatasetSplit(of: cases(count), rule, heldOut: .count(tests), seed: seed)
                expectPartition(split, of: cases(count), sites: sites, heldOut: tests)
                #expect(
                    try split == DatasetSplit(of: cases(count).reversed(), rule, heldOut: .count(tests), seed: seed))
            }
        }
    }

    @Test(arguments: [0.001, 0.1, 1, 1_000_000]) func asManySitesAsCases(alpha: Double) throws {
        for seed in UInt32(0)..<100 {
            for (count, sites) in [(8, 8), (9, 8), (12, 8), (1, 1)] {
                let split = try DatasetSplit(
                    of: cases(count), .dirichlet(sites: sites, alpha: alpha), seed: seed)
                expectPartition(split, of: cases(count), sites: sites, heldOut: 0)
            }
        }
    }

    @Test func equalSitesDifferByOneCaseAtMost() throws {
        let split = try DatasetSplit(of: cases(11), .equal(sites: 3), seed: 4)
        #expect(split.sites.map(\.cases.count) == [4, 4, 3])
        #expect(split.sites.map(\.name) == ["site1", "site2", "site3"])
        #expect(try split != DatasetSplit(of: cases(11), .equal(sites: 3), seed: 5))
    }

    /// The mean share is 1/k, and its variance (k - 1) / (k² (kα + 1)), as of a Dirichlet distribution.
    @Test(arguments: [0.1, 0.5, 2, 10]) func sizesAreDirichlet(alpha: Double) throws {
        let (sites, count, draws) = (4, 2000, 1500)
        var shares: [Double] = []
        for seed in 0..<draws {
            let split = try DatasetSplit(
                of: cases(count), .dirichlet(sites: sites, alpha: alpha), seed: UInt32(seed))
            shares.append(Double(split.sites[1].cases.count) / Double(count))
        }
        let mean = shares.reduce(0, +) / Double(draws)
        let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(draws)
        let k = Double(sites)
        let expected = (k - 1) / (k * k * (k * alpha + 1))
        #expect(abs(mean - 1 / k) < 5 * (expected / Double(draws)).squareRoot())
        #expect(abs(variance / expected - 1) < 0.2)
    }

    @Test func theTestSetDependsOnTheSeedAlone() throws {
        let tests = try [
            DatasetSplit.Rule.equal(sites: 2), .equal(sites: 5), .dirichlet(sites: 3, alpha: 0.2),
        ].map { try DatasetSplit(of: cases(30), $0, heldOut: .share(0.2), seed: 9).heldOut }
        #expect(Set(tests).count == 1 && tests[0].count == 6)
        #expect(try DatasetSplit(of: cases(30), .equal(sites: 2), heldOut: .share(0.001), seed: 9).heldOut.count == 1)
    }

    @Test func tooFewCasesAreRefused() throws {
        for (count, sites, tests) in [(3, 4, 0), (10, 4, 7), (5, 0, 0), (5, 1, 5), (5, 2, -1)] {
            #expect(throws: NNUNetError.self) {
                try DatasetSplit(of: cases(count), .equal(sites: sites), heldOut: .count(tests), seed: 1)
            }
        }
        for alpha in [0, -1, .nan, .infinity] {
            #expect(throws: NNUNetError.self) {
                try DatasetSplit(of: cases(9), .dirichlet(sites: 2, alpha: alpha), seed: 1)
            }
        }
        for share in [0, 1, -0.5, .nan] {
            #expect(throws: NNUNetError.self) {
                try DatasetSplit(of: cases(9), .equal(sites: 2), heldOut: .share(share), seed: 1)
            }
        }
    }

    @Test func aTableDecides() throws {
        let text =
            "\u{FEFF}scanner,Site,case\r\nx,10,case_0\r\n\r\n\"y, z\",\"9\",case_1\r\nx, 10 ,case_2\r\nx,2,case_3\r\n"
        let table = try SiteTable(text, file: "sites.csv")
        let split = try DatasetSplit(of: cases(4), .table(table), seed: 1)
        #expect(split.sites.map(\.name) == ["2", "9", "10"])
        #expect(split.sites.map(\.cases) == [["case_3"], ["case_1"], ["case_0", "case_2"]])
        // Only site 10 can spare a case.
        let tested = try DatasetSplit(of: cases(4), .table(table), heldOut: .count(1), seed: 1)
        expectPartition(tested, of: cases(4), sites: 3, heldOut: 1)
        #expect(throws: NNUNetError.self) {
            try DatasetSplit(of: cases(4), .table(table), heldOut: .count(2), seed: 1)
        }
        let tabs = try SiteTable("case\tsite\ncase_0\tÅbo, north\n", file: "sites.tsv")
        #expect(try tabs.sites(of: ["case_0"]) == ["case_0": "Åbo, north"])
    }

    @Test func aTableMustNameEveryCaseOnce() throws {
        func faults(_ rows: String) throws -> String {
            let table = try SiteTable("case,site\n" + rows, file: "sites.csv")
            let error = #expect(throws: NNUNetError.self) { try DatasetSplit(of: cases(2), .table(table), seed: 1) }
            return error.map { "\($0)" } ?? ""
        }
        #expect(try faults("case_0,a\ncase_1,b\ncase_7,a").contains("1 case named that the dataset has not: case_7"))
        #expect(try faults("case_0,a\ncase_1,b\ncase_0,b").contains("1 case named more than once: case_0"))
        #expect(try faults("case_0,a").contains("1 case of the dataset not named: case_1"))
        let all = try faults("case_0,a\ncase_0,a\nx,b")
        #expect(all.contains("3 faults"))
        for text in [
            "", "\n\n", "patient,site\na,b", "case,site\na", "case,site\na,", "case,site\n\"a,b", "case;site\na,b",
        ] {
            #expect(throws: NNUNetError.self) { _ = try SiteTable(text, file: "sites.csv") }
        }
    }

    @Test(arguments: [ImagePlacement.link, .copy]) func sitesAreRawDatasets(placement: ImagePlacement) throws {
        try withScratchFolder { scratch in
            let folders = folders(in: scratch)
            let source = try writeDataset(
                "Dataset005_Liver", in: folders.raw, labels: #"{"background": 0, "liver": 1}"#, values: 2, cases: 7)
            let split = try DatasetSplit(
                of: source.cases.map(\.identifier), .equal(sites: 2), heldOut: .count(2), seed: 3)
            let titles = try split.titles(of: source)
            #expect(titles == ["Liver_site1", "Liver_site2"])
            let rows = source.cases.map { "\"P, 1\"\t1950\t\($0.identifier)" }
            try Data((["patient\tborn\tcase", ""] + rows).joined(separator: "\n").utf8).write(
                to: source.folder.appending(path: "patients.tsv"))
            let written = try split.write(
                source, as: NewRawDatasets(titles, firstID: 301, in: folders), images: placement)
            #expect(written.map(\.lastPathComponent) == ["Dataset301_Liver_site1", "Dataset302_Liver_site2"])
            // Links are relative: the whole folder can be moved.
            let moved = scratch.appending(path: "moved")
            try FileManager.default.moveItem(at: folders.raw, to: moved)
            for (site, folder) in zip(split.sites, written) {
                let dataset = try RawDataset(folder: moved.appending(path: folder.lastPathComponent))
                #expect(try IntegrityCheck(dataset).run().isEmpty)
                #expect(dataset.cases.map(\.identifier) == site.cases)
                #expect(dataset.description.numTraining == site.cases.count)
                #expect(try dataset.testCases().map(\.identifier) == split.heldOut)
                // Each site has the rows of its own patients.
                let patients = try PatientTable.patients(of: site.cases, in: dataset.folder, column: "Patient")
                #expect(patients.count == site.cases.count && Set(patients.values) == ["P, 1"])
                let table = try CaseTable(contentsOf: #require(PatientTable.file(in: dataset.folder)), column: "born")
                #expect(
                    table.rows.map(\.identifier).sorted() == site.cases && table.rows.allSatisfy { $0.value == "1950" })
                #expect(try dataset.testCases().allSatisfy { $0.label != nil })
                let image = dataset.cases[0].images[0]
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: image.path)
                #expect((link != nil) == (placement == .link))
            }
        }
    }

    /// A dataset whose dataset.json lists its files, anywhere, is split by that list.
    @Test func aTableOfFilesIsFollowed() throws {
        try withScratchFolder { scratch in
            let folders = folders(in: scratch)
            let plain = try writeDataset(
                "Dataset005_Liver", in: folders.raw, labels: #"{"background": 0, "liver": 1}"#, values: 2)
            try FileManager.default.moveItem(
                at: plain.folder.appending(path: "imagesTr"), to: plain.folder.appending(path: "pictures"))
            var json = plain.description.json
            json["dataset"] = try JSONValue(
                parsing: Array(
                    #"{"p1": {"images": ["pictures/case0_0000.nii.gz"], "label": "labelsTr/case0.nii.gz"}, "p2": {"images": ["pictures/case1_0000.nii.gz"], "label": "labelsTr/case1.nii.gz"}}"#
                        .utf8))
            try JSONValue.object(json).write(to: plain.folder.appending(path: "dataset.json"))
            let source = try RawDataset(folder: plain.folder)
            let split = try DatasetSplit(of: ["p1", "p2"], .equal(sites: 2), seed: 1)
            let written = try split.write(
                source, as: NewRawDatasets(split.titles(of: source), firstID: 301, in: folders))
            for folder in written {
                let dataset = try RawDataset(folder: folder)
                #expect(dataset.description.caseTable == nil && dataset.cases.count == 1)
                #expect(try IntegrityCheck(dataset).run().isEmpty)
            }
        }
    }

    /// The spacing beside a TIFF goes with it.
    @Test func spacingsOfTIFFsComeAlong() throws {
        try withScratchFolder { scratch in
            let folders = folders(in: scratch)
            let folder = folders.raw.appending(path: "Dataset006_Cells")
            for name in ["imagesTr", "labelsTr"] {
                try FileManager.default.createDirectory(
                    at: folder.appending(path: name), withIntermediateDirectories: true)
            }
            let volume = Volume<UInt16>(shape: [2, 3, 4], elements: (0..<24).map { $0 % 2 })
            for index in 0..<2 {
                for path in ["imagesTr/c\(index)_0000.tif", "labelsTr/c\(index).tif"] {
                    try ImageReaderWriter.tiff3D.writeSegmentation(
                        volume, geometry: .none, spacing: [4, 2, 1], to: folder.appending(path: path))
                }
            }
            let text = """
                {"channel_names": {"0": "microscopy"}, "labels": {"background": 0, "cell": 1}, "numTraining": 2,
                 "file_ending": ".tif", "overwrite_image_reader_writer": "Tiff3DIO"}
                """
            try Data(text.utf8).write(to: folder.appending(path: "dataset.json"))
            let source = try RawDataset(folder: folder)
            let split = try DatasetSplit(of: ["c0", "c1"], .equal(sites: 2), seed: 1)
            let sites = try split.write(
                source, as: NewRawDatasets(split.titles(of: source), firstID: 301, in: folders))
            for site in sites {
                let raw = try RawDataset(folder: site).cases[0]
                #expect(try ImageReaderWriter.tiff3D.readImages(raw.images).spacing == [4, 2, 1])
                #expect(try ImageReaderWriter.tiff3D.readSegmentation(raw.label!).spacing == [4, 2, 1])
            }
            let harmonisation = try LabelHarmonisation([("A", source.description)], rule: .union)
            let again = try harmonisation.write([source], as: NewRawDatasets(["Cells"], firstID: 311, in: folders))
            #expect(try IntegrityCheck(RawDataset(folder: again[0])).run().isEmpty)
            #expect(
                try ImageReaderWriter.tiff3D.readImages(RawDataset(folder: again[0]).cases[0].images).spacing
                    == [4, 2, 1])
        }
    }

    @Test func aMissingFileLeavesNothing() throws {
        try withScratchFolder { scratch in
            let folders = folders(in: scratch)
            let source = try writeDataset(
                "Dataset005_Liver", in: folders.raw, labels: #"{"background": 0, "liver": 1}"#, values: 2)
            try FileManager.default.removeItem(at: source.cases[1].label!)
            let error = #expect(throws: NNUNetError.self) { try IntegrityCheck(source).runQuickly() }
            #expect(error.map { "\($0)".contains("case1") && "\($0)".contains("label is missing") } == true)
            let split = try DatasetSplit(of: ["case0", "case1"], .equal(sites: 2), seed: 1)
            let new = try NewRawDatasets(split.titles(of: source), firstID: 301, in: folders)
            #expect(throws: NNUNetError.self) { try split.write(source, as: new) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folders.raw.path) == ["Dataset005_Liver"])
        }
    }

    @Test func sitesOfOneFolderNameAreRefused() throws {
        try withScratchFolder { scratch in
            let source = try writeDataset(
                "Dataset005_Liver", in: scratch, labels: #"{"background": 0, "liver": 1}"#, values: 2)
            let table = try SiteTable("case,site\ncase0,a b\ncase1,A-B", file: "s.csv")
            let split = try DatasetSplit(of: ["case0", "case1"], .table(table), seed: 1)
            #expect(throws: NNUNetError.self) { _ = try split.titles(of: source) }
        }
    }
}
