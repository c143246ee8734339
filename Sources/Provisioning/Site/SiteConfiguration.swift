import Yams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A site's `local_config.json` as FLARE's users write it: where its data lie, what it gives, what it allows.
///
/// FLARE itself reads none of these keys; here they are honoured.
public struct SiteConfiguration: Sendable, Equatable {
    /// Of the site or the server.
    public var name: String
    /// Where the site dials; nil for a server, or where it does not say.
    public var server: Endpoint?
    public var dataRoot: String?
    /// By the name of the job or dataset.
    public var datasets: [String: Dataset] = [:]
    public var resources = SiteResources()
    public var policies: Policies?
    /// Keys that are not followed, and why.
    public var notices: [Notice] = []

    public struct Endpoint: Sendable, Equatable {
        public var host: String
        public var port: Int

        public init(host: String, port: Int) { (self.host, self.port) = (host, port) }
    }

    /// Where the files of one job lie.
    public struct Dataset: Sendable, Equatable {
        public var trainingList: String?
        public var validationList: String?
        /// Of images, or of everything.
        public var folder: String?

        public init(trainingList: String? = nil, validationList: String? = nil, folder: String? = nil) {
            (self.trainingList, self.validationList, self.folder) = (trainingList, validationList, folder)
        }
    }

    /// What a site allows, and what it keeps.
    public struct Policies: Sendable, Equatable {
        public var scope: String?
        /// With fewer cases the site does not train.
        public var minimumDatasetSize: Int?
        /// MB (10^6 bytes) of the largest message.
        public var maximumModelSize: Double?
        /// Words of FLARE's, such as `train`; nil where all are allowed.
        public var allowedTasks: [String]?
        /// Fields of patients that must not leave.
        public var blockedDataFields: [String] = []

        /// The same in the words of `site-policy.yaml`: to train takes preparation too.
        public var work: [String] {
            guard let allowedTasks else { return ["prepare", "train", "validate", "send-model"] }
            return allowedTasks.flatMap { task -> [String] in
                switch task {
                case "train": ["prepare", "train"]
                case "validate": ["validate"]
                case "submit_model": ["send-model"]
                default: []
                }
            }
        }
    }

    /// - Throws: `ProvisioningError.project` with all that is wrong.
    public init(contentsOf url: URL) throws {
        try self.init(json: String(decoding: DurableFile.read(url), as: UTF8.self), file: url.lastPathComponent)
    }

    public init(json: String, file: String = "local_config.json") throws {
        let reading = ProjectReading(.flare)
        guard let root = try? Parser(yaml: json).singleRoot(), let fields = ProjectFields(root, "", reading) else {
            throw ProvisioningError.file(file, reason: "is no JSON object, or has a key twice; correct it")
        }
        name = ""
        if let version = fields.number("format_version"), version != 2 {
            reading.fault(root, "format_version \(version) is not known; 2 is")
        }
        if let client = fields.fields("client") {
            readClient(client, reading)
        } else if let server = fields.list("servers").first.flatMap({ ProjectFields($0, "servers", reading) }) {
            readServer(server)
        } else if reading.faults.isEmpty {
            reading.fault(root, "client is missing; write client: with the site's name under it")
        }
        if let data = fields.fields("data") { readData(data, reading) }
        if let resources = fields.fields("resources") { readResources(resources, reading) }
        if let privacy = fields.fields("privacy") { readPrivacy(privacy, reading) }
        for (key, reason) in Self.elsewhere where fields.node(key) != nil {
            reading.notice(fields.node(key), "\(key) is ignored: \(reason)")
        }
        fields.finish()
        let kind: Participant.Kind = fields.has("client") ? .site : .server
        if let fault = ParticipantName.fault(name, of: kind), reading.faults.isEmpty { reading.fault(root, fault) }
        guard reading.faults.isEmpty else { throw ProvisioningError.project(file: file, faults: reading.texts) }
        notices = reading.notices
    }

    /// What these keys of FLARE's set, Cohort's kits and programs settle themselves.
    private static let elsewhere = [
        ("logging", "the log goes to standard error, and the service manager keeps it"),
        ("security", "certificates are those of the kit, and TLS is always on"),
        ("snapshot_persistor", "the journal keeps every round"),
        ("components", "no code is loaded by name"),
        ("heartbeat", "the wire's own are used"),
    ]

    private mutating func readClient(_ client: ProjectFields, _ reading: ProjectReading) {
        name = client.required("name") ?? ""
        if let server = client.fields("server") {
            readTarget(server, reading)
            server.finish()
        }
        for key in ["retry_timeout", "heartbeat_interval"] where client.node(key) != nil {
            reading.notice(client.node(key), "client.\(key) is ignored: the wire's own is used")
        }
        client.finish()
    }

    private mutating func readServer(_ server: ProjectFields) { name = server.text("name") ?? "server" }

    private mutating func readTarget(_ server: ProjectFields, _ reading: ProjectReading) {
        _ = server.node("scheme")
        guard let target = server.text("target") else { return }
        guard let colon = target.lastIndex(of: ":"), let port = Int(target[target.index(after: colon)...]),
            (1...65535).contains(port), HostName(String(target[..<colon])) != nil
        else {
            return reading.fault(
                server.node("target"), "client.server.target is no host:port; write one, such as server:8003")
        }
        self.server = Endpoint(host: String(target[..<colon]), port: port)
    }

    private mutating func readData(_ data: ProjectFields, _ reading: ProjectReading) {
        dataRoot = data.text("data_root")
        if let datasets = data.fields("dataset_config") {
            reading.notice(
                datasets.node,
                "data.dataset_config is ignored: a run names a dataset in nnU-Net's form, and its cases are those of that "
                    + "dataset's own folder")
            for (name, _) in datasets.entries {
                guard let dataset = datasets.fields(name) else { continue }
                self.datasets[name] = Dataset(
                    trainingList: dataset.text("train_list"), validationList: dataset.text("val_list"),
                    folder: dataset.text("data_dir") ?? dataset.text("image_dir"))
                _ = dataset.node("image_dir")
                dataset.finish()
            }
            datasets.finish()
        }
        data.finish()
    }

    private mutating func readResources(_ fields: ProjectFields, _ reading: ProjectReading) {
        resources.readSettings(fields, reading)
        fields.finish()
    }

    private mutating func readPrivacy(_ privacy: ProjectFields, _ reading: ProjectReading) {
        var policies = Policies(scope: privacy.text("scope"))
        if policies.scope != nil {
            reading.notice(
                privacy.node("scope"), "privacy.scope is ignored: the policies hold for every run of this site")
        }
        if let fields = privacy.fields("policies") {
            policies.minimumDatasetSize = fields.number("min_dataset_size")
            policies.maximumModelSize = fields.decimal("max_model_size_mb")
            policies.allowedTasks = fields.has("allowed_tasks") ? fields.texts("allowed_tasks") : nil
            policies.blockedDataFields = fields.texts("blocked_data_fields")
            if policies.minimumDatasetSize ?? 0 < 0 || policies.maximumModelSize ?? 1 <= 0
                || policies.maximumModelSize ?? 1 > 1e9
            {
                reading.fault(
                    fields.node, "privacy.policies has a limit that is below or above what can be; correct it")
            }
            // A limit that is not followed would be none, so it stops everything.
            fields.finish(unknown: .fault)
        }
        privacy.finish(unknown: .fault)
        self.policies = policies
    }
}
