import Federation

/// A federated run as people write it: one readable file that says everything.
///
/// Read and checked whole before anything starts. Every key has a default, except who takes part.
public struct RunFile: Sendable, Equatable {
    /// In titles, and the folder of the results; the file's own name where it does not say.
    public var name: String
    public var task = Task.train
    /// Empty where one dataset is split.
    public var sites: [Site] = []
    public var split: Split?
    public var plan = Plan()
    public var training = Training()
    public var strategy = Strategy()
    public var sharing = Sharing()
    public var validation = Validation()
    public var labels = Labels.asIs
    public var privacy = Privacy()
    public var flower = Flower()
    /// What the federation is compared with.
    public var baselines: [Baseline] = []
    /// A folder; nil for `runs/` and the name.
    public var output: String?
    /// Rounds between two checkpoints of the global model.
    public var saveEvery = 1
    public var device = Device.automatic
    /// Where values were written, for faults that `check` finds.
    var source = Source()

    public init(name: String, sites: [Site] = [], split: Split? = nil) {
        self.name = name
        self.sites = sites
        self.split = split
    }

    /// What sites do together.
    public enum Task: String, Sendable, CaseIterable {
        case extractFingerprint = "extract_fingerprint"
        case planAndPreprocess = "plan_and_preprocess"
        case train
    }

    /// What becomes of labels that not all sites have.
    public enum Labels: String, Sendable, CaseIterable {
        /// Every site keeps its own.
        case asIs = "as-is"
        case intersection, union
    }

    /// A training that no federation takes part in.
    public enum Baseline: String, Sendable, CaseIterable {
        /// On the cases of all sites in one place.
        case centralised
        /// The same, with the steps of all sites together: it sees as many patches as the federation.
        case centralisedAllSteps = "centralised-all-steps"
        /// Of every site by itself.
        case alone
    }

    /// The folder of the results.
    public var outputFolder: String { output ?? "runs/" + name }

    /// How many sites take part; nil where a table of cases says.
    public var siteCount: Int? { sites.isEmpty ? split?.siteCount : sites.count }

    /// The names of the sites; nil where a table of cases says.
    public var siteNames: [String]? { sites.isEmpty ? split?.siteNames : sites.map(\.name) }

    /// The path of every key, with 0 for any site.
    public static let paths = paths(under: "")
}

extension RunFile {
    /// The file behind a run, and where its values stand in it. It does not tell two run files apart.
    struct Source: Sendable, Equatable {
        var file = "run file"
        var places: [String: Place] = [:]

        static func == (a: Source, b: Source) -> Bool { true }
    }
}
