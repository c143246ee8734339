import Federation
import Fleet
import NNUNet
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site allows and gives, as its own people wrote it: `site-policy.yaml`, `resources.json`, and FLARE's
/// `local_config.json`, which lie in its kit.
struct SiteSetup {
    let rules: SiteRules
    /// The names of the files that the policy is made of; empty where every run is let in.
    let policyFiles: [String]
    /// Of `local_config.json`: keys that are not followed, and why.
    let notices: [Notice]
    let data: DatasetFolders
    /// As `-device` takes it; nil for what is there.
    let device: String?
    /// Of the network, on a CPU, where the run does not say.
    let threads: Int
    /// That make batches; nil for what suits the device.
    let loaderThreads: Int?
    /// Bytes of main memory for training; nil for any.
    let memoryLimit: Int?
    /// The folder of the site's privacy ledgers, one for each dataset; nil where there is no kit.
    let ledgers: URL?

    /// In a kit, and where a site without one keeps its runs.
    static let ledgers = "privacy-ledgers"

    var policy: SitePolicy { rules.policy }

    /// - Parameters:
    ///   - kit: nil where the site has none: then all is open that no option closes.
    ///   - policy: a file in place of the kit's `site-policy.yaml`.
    ///   - device: in place of what the kit's files say.
    ///   - threads: nil for the machine's cores.
    init(
        _ kit: Kit?, policy file: String? = nil, device: String?, threads: Int?,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        let own = file.map { URL(filePath: $0) } ?? kit?.local.appending(path: "site-policy.yaml")
        let configuration = try kit?.siteConfiguration()
        var files: [String] = []
        var rules = SiteRules()
        // One that was named must be there.
        if let own, file != nil || FileManager.default.fileExists(atPath: own.path) {
            rules = try SiteRules(contentsOf: own)
            files.append(own.lastPathComponent)
        }
        if let more = configuration?.policies {
            rules.narrow(to: more)
            files.append("local_config.json")
        }
        self.rules = rules
        ledgers = kit?.folder.appending(path: Self.ledgers)
        policyFiles = files
        notices = configuration?.notices ?? []
        data = DatasetFolders.ofSite(configuration, environment: environment)

        // What was written for this kit, then what the project said of the site.
        let resources = try [configuration?.resources, kit?.resources()].compactMap { $0 }
        func first<Value>(_ value: (SiteResources) -> Value?) -> Value? { resources.lazy.compactMap(value).first }
        self.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        self.device =
            device
            ?? first { resources in
                if let ids = resources.gpuIDs { return ids.first.map { "cuda:\($0)" } ?? "cpu" }
                return resources.gpuCount.map { $0 > 0 ? "cuda" : "cpu" }
            }
        loaderThreads = first(\.workers).map { max(1, $0) }
        memoryLimit = first(\.memoryLimit).map { Int($0 * 1_073_741_824) }
    }
}

extension SiteSetup {
    /// What a message may have at most is known before it has come: the tensors that the policy allows, and what stands
    /// around them.
    var fleetSettings: FleetSite.Settings {
        var settings = FleetSite.Settings()
        settings.largestMessage = policy.largestMessage.map { $0 + (1 << 20) }
        return settings
    }
}

extension DatasetFolders {
    /// Those of a site: datasets lie under the `data_root` of its `local_config.json` where `nnUNet_raw` is not set.
    static func ofSite(
        _ configuration: SiteConfiguration?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> DatasetFolders {
        let folders = DatasetFolders(environment: environment)
        guard let root = configuration?.dataRoot, environment["nnUNet_raw", default: ""].isEmpty else {
            return folders
        }
        let folder = URL(filePath: root, directoryHint: .isDirectory)
        let inner = folder.appending(path: "nnUNet_raw")
        let raw = FileManager.default.fileExists(atPath: inner.path) ? inner : folder
        return DatasetFolders(raw: raw, preprocessed: folders.preprocessed, results: folders.results)
    }
}

extension SiteRules {
    /// Takes away what FLARE's policies do not allow.
    fileprivate mutating func narrow(to policies: SiteConfiguration.Policies) {
        policy.work.formIntersection(policies.work.compactMap(SitePolicy.Work.init(rawValue:)))
        policy.fewestCases = max(policy.fewestCases, policies.minimumDatasetSize ?? 1)
        if let megabytes = policies.maximumModelSize {
            policy.largestMessage = min(policy.largestMessage ?? .max, Int(megabytes * 1_000_000))
        }
        blockedFields.formUnion(BlockedFields(policies.blockedDataFields))
    }
}
