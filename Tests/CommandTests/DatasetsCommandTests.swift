import Foundation
import NNUNet
import Testing

@Suite("Datasets", .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct DatasetsCommandTests {
    @Test(arguments: ["list", "validate", "split", "harmonise"]) func helpGivesAnExample(command: String) throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let help = try cohort("datasets", command, "--help", environment: ["COHORT_CTORCH": "/nowhere.so"])
        #expect(help.status == 0)
        #expect(help.output.contains("EXAMPLE") && help.output.contains("cohort datasets \(command)"))
    }

    private func phantom(_ cohort: Program, _ number: String, _ modality: String, labels: String, cases: String) throws
    {
        let made = try cohort(
            "phantom", "-d", number, "--modality", modality, "--labels", labels, "--cases", cases, "--test-cases", "0",
            "--size", "12", "16", "16")
        #expect(made.status == 0, "\(made.errors)")
    }

    @Test func aDatasetIsDividedListedAndChecked() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let none = try cohort("datasets", "list")
        #expect(none.status == 1 && none.errors.contains("cohort phantom"))
        try phantom(cohort, "900", "MR", labels: "2", cases: "9")
        let split = try cohort("datasets", "split", "900", "--sites", "3", "--skew", "1", "--test", "20%")
        #expect(split.status == 0 && split.output.contains("Dataset303_Phantom_site3"), "\(split.errors)")
        let again = try cohort("datasets", "split", "900", "--sites", "3")
        #expect(again.status == 1 && again.errors.contains("already"))
        let plan = try cohort("plan-and-preprocess", "-d", "302", "-c", "2d")
        #expect(plan.status == 0, "\(plan.errors)")

        let list = try cohort("datasets", "list")
        let rows = list.output.split(separator: "\n")
        #expect(list.status == 0 && rows.count == 5 && rows[0].contains("modality"))
        #expect(rows[4].hasPrefix("900") && rows[4].contains("MR") && rows[4].contains("organ1, organ2"))
        #expect(rows[2].contains("nnUNetPlans") && rows[2].hasSuffix("2d") && rows[1].hasSuffix("–"))

        let valid = try cohort("datasets", "validate", "301", "302", "303", "--full")
        #expect(valid.status == 0 && valid.output.contains("Everything can be shared"), "\(valid.errors)")
        for arguments in [["--sites", "0"], ["--sites", "10"], ["--column", "no.csv"]] {
            let failed = try cohort("datasets", "split", "900", arguments[0], arguments[1], "--first-id", "401")
            #expect(failed.status == 1 && failed.output.isEmpty && !failed.errors.isEmpty)
        }
        #expect(try cohort("datasets", "split", "900").status == 64)
        #expect(try cohort("datasets", "split", "900", "--sites", "2", "--test", "x").status == 64)
    }

    @Test func aTableOfCasesAndSitesIsFollowed() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try phantom(cohort, "900", "CT", labels: "1", cases: "3")
        try Data("case,site\nphantom_0000,Leiden\nphantom_0001,Graz\nphantom_0002,Graz\n".utf8).write(
            to: cohort.folder.appending(path: "sites.csv"))
        let split = try cohort("datasets", "split", "Dataset900_Phantom", "--column", "sites.csv", "--first-id", "20")
        #expect(
            split.output == "Dataset020_Phantom_Graz: 2 cases\nDataset021_Phantom_Leiden: 1 case\n", "\(split.errors)")
    }

    @Test func labelsAreHarmonisedAndFaultsAreNamed() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try phantom(cohort, "1", "CT", labels: "2", cases: "2")
        try phantom(cohort, "2", "CT", labels: "3", cases: "2")
        let before = try cohort("datasets", "validate", "1", "2")
        #expect(before.status == 0 && before.output.contains("\"organ3\" is in Dataset002_Phantom"))
        #expect(before.output.contains("cohort datasets harmonise"))
        let union = try cohort("datasets", "harmonise", "1", "2", "--labels", "union", "--first-id", "11")
        #expect(union.status == 0 && union.errors.contains("Warning: Dataset001_Phantom has not annotated organ3"))
        let common = try cohort("datasets", "harmonise", "1", "2", "--labels", "intersection", "--first-id", "21")
        #expect(common.status == 0 && common.output.contains("Dataset002_Phantom → Dataset022_Phantom"))
        let after = try cohort("datasets", "validate", "21", "22", "--full")
        #expect(after.status == 0 && after.output.contains("Everything can be shared"), "\(after.errors)")

        let raw = cohort.folder.appending(path: "cohort-data/nnUNet_raw")
        try FileManager.default.removeItem(at: raw.appending(path: "Dataset001_Phantom/labelsTr/phantom_0001.nii.gz"))
        let broken = try cohort("datasets", "validate")
        #expect(broken.status == 1 && broken.errors.contains("phantom_0001"))
        #expect(broken.output.contains("Dataset002_Phantom: good"))
        let refused = try cohort("datasets", "harmonise", "1", "2", "--labels", "union", "--first-id", "31")
        #expect(refused.status == 1 && !cohort.exists("cohort-data/nnUNet_raw/Dataset031_Phantom"))
    }

    @Test func anUnknownModalityMustBeStated() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        for number in ["1", "2"] {
            try phantom(cohort, number, "CT", labels: "1", cases: "1")
            let file = cohort.folder.appending(path: "cohort-data/nnUNet_raw/Dataset00\(number)_Phantom/dataset.json")
            let text = try String(contentsOf: file, encoding: .utf8)
            try Data(text.replacingOccurrences(of: "\"CT\"", with: "\"product\"").utf8).write(to: file)
        }
        let alone = try cohort("datasets", "validate", "1")
        #expect(alone.status == 0 && alone.errors.contains("Warning") && alone.output.contains("good"))
        let unknown = try cohort("datasets", "validate", "1", "2")
        #expect(unknown.status == 1 && unknown.errors.contains("\"product\" names no known modality"))
        let stated = try cohort("datasets", "validate", "1", "2", "--modality", "1=CT", "2=MR")
        #expect(stated.status == 0 && stated.output.contains("CT: Dataset001_Phantom; MR: Dataset002_Phantom"))
        #expect(try cohort("datasets", "validate", "1", "--modality", "CT").status == 64)
    }
}
