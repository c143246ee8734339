import Federation
import NNUNet
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `site-policy.yaml`, which the site writes for itself.
extension SiteRules {
    /// - Throws: `RunFileError` with all that is wrong: a policy that cannot be read allows nothing.
    public init(contentsOf url: URL) throws {
        guard let data = try? Data(contentsOf: url), let text = String(validating: data, as: UTF8.self) else {
            throw RunFileError(
                file: url.lastPathComponent,
                faults: [
                    RunFile.Fault(
                        place: .unknown, path: "", fact: "the policy cannot be read",
                        remedy: "write it as UTF-8 text; {} allows everything")
                ])
        }
        try self.init(yaml: text, file: url.lastPathComponent)
    }

    public init(yaml: String, file: String = "site-policy.yaml") throws {
        let (root, faults) = YAMLNode.parse(yaml)
        guard let root else { throw RunFileError(file: file, faults: faults) }
        var reading = Reading(faults: faults, paths: Self.paths(under: ""))
        self.init()
        read(root, at: "", &reading)
        if case .mapping(let entries) = root.content,
            let empty = entries.first(where: { $0.key.asKey == "privacy" && $0.value.isNull })
        {
            // Nothing below it: whoever wrote it did not mean to allow all.
            reading.fault(
                empty.place, "privacy", "is empty", "write what is asked of runs, or {} to let out only noise")
        }
        check(at: "", &reading)
        guard reading.faults.isEmpty else { throw RunFileError(file: file, faults: reading.faults) }
        merge()
    }

    /// Of two words for one thing, the stricter holds.
    private mutating func merge() {
        policy.fewestCases = max(policy.fewestCases, minimumDatasetSize ?? 1)
        if let megabytes = maximumModelSize {
            policy.largestMessage = min(policy.largestMessage ?? .max, Int(megabytes * 1_000_000))
        }
        blockedFields.formUnion(BlockedFields(blockedNames))
        (minimumDatasetSize, maximumModelSize, blockedNames) = (nil, nil, [])
    }
}

extension SiteRules: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey(
            "work", \.policy.allowed,
            form: "a list such as [\(SitePolicy.Work.words.map(\.rawValue).joined(separator: ", "))]"),
        YAMLKey("datasets", \.policy.datasets, form: "a list of names, such as [Dataset301_Prostate]"),
        YAMLKey("fewest_cases", \.policy.fewestCases, .atLeast(1)),
        YAMLKey("min_dataset_size", \.minimumDatasetSize, .atLeast(0)),
        YAMLKey(
            "largest_message_mb", \.policy.largestMegabytes,
            ValueRule<Int>("1 or more, at most 1000000000") { (1...1_000_000_000).contains($0) }),
        YAMLKey(
            "max_model_size_mb", \.maximumModelSize,
            ValueRule<Double>("a number above 0, at most 1000000000") { $0 > 0 && $0 <= 1e9 }),
        YAMLKey("hours", \.policy.hours, form: "a list such as [\"19:00-07:00\"]"),
        YAMLKey("approval", \.policy.asksForApproval),
        YAMLKey("blocked_data_fields", \.blockedNames, form: "a list such as [patient_id, dob]"),
        YAMLKey("required_filters", \.filters, form: "a list such as [{percentile: {gamma: 0.01}}]"),
        YAMLKey("secure_sums", \.secureSums),
        YAMLKey("privacy", \.privacy),
    ]
}

extension SitePolicy {
    fileprivate var allowed: [Work] {
        get { Work.allCases.filter(work.contains) }
        set { work = Set(newValue) }
    }

    fileprivate var largestMegabytes: Int? {
        get { largestMessage.map { $0 / 1_000_000 } }
        // What is too large to be counted in bytes is still too large for the rule.
        set {
            largestMessage = newValue.map { megabytes -> Int in
                let product = megabytes.multipliedReportingOverflow(by: 1_000_000)
                return product.overflow ? (megabytes < 0 ? Int.min : Int.max) : product.partialValue
            }
        }
    }
}

extension SitePolicy.Work: YAMLWord {}

extension SitePolicy.Hours: YAMLScalar {
    static var form: String { "hours of the day, such as \"19:00-07:00\"" }

    init?(scalar: String) {
        let times = scalar.split(separator: "-", omittingEmptySubsequences: false).map { time -> Int? in
            let parts = time.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, let hour = parts[0], let minute = parts[1], (0...24).contains(hour),
                (0..<60).contains(minute), hour < 24 || minute == 0
            else { return nil }
            return hour * 60 + minute
        }
        guard times.count == 2, let from = times[0], let to = times[1] else { return nil }
        self.init(from: from, to: to)
    }

    var scalar: String { description }

    var node: YAMLNode { .text(description) }
}
