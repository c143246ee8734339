import Foundation
import Study

/// A run made up for tests: curves that rise and settle, a site that fails now and then, one that leaves.
struct SampleRun {
    var sites: [String]
    var rounds: Int
    var failing: Set<Int> = [1]

    static let hospitals = [
        "hospital_a", "hospital_b", "Klinikum am Urban", "St. Mary's & Co <north>", "hospital_e", "hospital_f",
    ]

    init(sites: Int, rounds: Int) {
        self.sites = (0..<sites).map { $0 < Self.hospitals.count ? Self.hospitals[$0] : "site_\($0 + 1)" }
        self.rounds = rounds
    }

    /// From 0 up to 1, the same on every run.
    static func noise(_ seed: Int) -> Double {
        var z = UInt64(bitPattern: Int64(seed)) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) / Double(1 << 53)
    }

    func dice(_ site: Int, _ round: Int) -> Double {
        let top = 0.90 - 0.05 * Self.noise(site + 77) * 2
        let pace = Double(rounds) * 0.16 + 1
        return max(0, top * (1 - exp(-Double(round) / pace)) + 0.03 * (Self.noise(site * 1000 + round) - 0.5))
    }

    var records: [RoundRecord] {
        var best = 0.0
        let preparation = [
            RoundRecord(
                round: -2, stage: "fingerprint", sites: sites.map { SiteRecord(name: $0, examples: 20, seconds: 14) },
                seconds: ["training": 14], bytesDown: 2_000, bytesUp: 40_000),
            RoundRecord(
                round: -1, stage: "preprocess", sites: sites.map { SiteRecord(name: $0, examples: 20, seconds: 190) },
                seconds: ["training": 190], bytesDown: 20_000, bytesUp: 4_000),
        ]
        return preparation
            + (1...max(1, rounds)).prefix(rounds).map { round in
                let records = sites.indices.map { site in record(site, round) }
                let values = records.filter(\.tookPart).compactMap { $0.metrics["dice"] }.filter(\.isFinite)
                let mean = values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
                let isBest = mean > best
                if isBest { best = mean }
                let took = records.count(where: \.tookPart)
                return RoundRecord(
                    round: round,
                    globalMetrics: [
                        "dice": mean, "loss": 0.4 - mean * 1.3, "val_loss": 0.45 - mean * 1.25,
                    ], sites: records,
                    seconds: [
                        "training": 38 + 9 * Self.noise(round), "aggregation": 0.2 + 0.1 * Self.noise(round + 5),
                        "validation": 8 + 2 * Self.noise(round + 9), "saving": 0.6,
                    ], bytesDown: 12_000_000 * took, bytesUp: 12_000_000 * took, isBest: isBest)
            }
    }

    private func record(_ site: Int, _ round: Int) -> SiteRecord {
        let name = sites[site]
        if failing.contains(site), round % 7 == 3 || (round > 20 && round < 26) {
            return SiteRecord(
                name: name, bytesReceived: 12_000_000,
                failure: round > 20 && round < 26
                    ? "the link to the server was lost"
                    : "cannot read /data/patients/Doe_John/ct.nii.gz: it is cut short")
        }
        let isAway = site == 2 && sites.count > 2 && round > max(2, rounds * 3 / 4)
        if isAway { return SiteRecord(name: name, failure: "away") }
        let dice = dice(site, round)
        return SiteRecord(
            name: name, examples: 16 + site * 4, steps: 250, metrics: ["dice": dice, "loss": 0.42 - dice * 1.3],
            seconds: 30 + 8 * Self.noise(round * 31 + site), bytesReceived: 12_000_000, bytesSent: 12_000_000)
    }

    var facts: RunFacts {
        RunFacts(
            task: "Dataset017 Liver & tumour", rounds: rounds, strategy: "FedAvg, weighted by cases",
            sharing: "all weights", sites: sites.enumerated().map { .init($0.element, cases: 16 + $0.offset * 4) },
            started: Date(timeIntervalSince1970: 1_800_000_000),
            more: [
                .init("Configuration", "3d_fullres, 5 layers, patch 96 × 96 × 96"),
                .init("Privacy", "epsilon 3.1 of 8.0 spent, delta 1e-5"),
            ])
    }

    var matrix: CrossSiteMatrix {
        var matrix = CrossSiteMatrix(
            sites: sites, models: [CrossSiteMatrix.serverBest, CrossSiteMatrix.serverFinal] + sites)
        for (row, site) in sites.enumerated() {
            for (column, model) in matrix.models.enumerated() {
                let own = model == site ? 0.05 : 0
                let server = column < 2 ? 0.06 : 0
                matrix[site, model] = .score(
                    [
                        "dice": 0.72 + own + server + 0.1 * Self.noise(row * 50 + column),
                        "hd95": 4 + 9 * Self.noise(row * 51 + column),
                    ], cases: row == 1 && column == 3 ? 3 : 5 + row)
            }
        }
        if sites.count > 2 {
            matrix[sites[0], sites[2]] = .missing(reason: "its model was never received")
            matrix[sites[1], sites[2]] = .missing(reason: "its model was never received")
            matrix[sites[2], sites[1]] = .missing(reason: "the site was away (host 10.0.0.3 <gone>)")
        }
        return matrix
    }

    var comparison: ComparisonTable {
        let labels = ["liver", "tumour", "portal vein"]
        func scores(_ seed: Int, _ low: Double, _ high: Double, _ spread: Double) -> ComparisonTable.Scores {
            let values = labels.indices.map { low + (high - low) * Self.noise(seed * 7 + $0) }
            return .init(
                overall: .init(values.reduce(0, +) / Double(values.count), spread: spread),
                labels: Dictionary(
                    uniqueKeysWithValues: zip(labels, values.map { ComparisonTable.Score($0, spread: spread * 1.2) })))
        }
        let names = ["federated", "centralised"] + sites.map { "\($0) alone" }
        return ComparisonTable(
            labels: labels,
            rows: names.enumerated().map { index, name in
                let lift = index < 2 ? 0.08 : 0
                return .init(
                    name, cases: 40,
                    scores: [
                        "dice": scores(index, 0.70 + lift, 0.82 + lift, 0.06),
                        "hd95": scores(index + 90, 4, 18, 3.4),
                    ])
            })
    }

    var report: String { Report.html(records: records, matrix: matrix, facts: facts, tables: [comparison]) }
}

/// A folder of its own that is gone after the test.
func withScratchFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cohort-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
