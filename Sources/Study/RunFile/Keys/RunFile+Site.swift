import NNUNet

extension RunFile {
    /// One who takes part, with a dataset of their own.
    public struct Site: Sendable, Equatable {
        /// The dataset's where nothing else is written.
        public var name: String
        /// A number or a name; empty for a node of Flower's.
        public var dataset: String
        /// Whether it is a stock Flower node, known to the server by a registered key of this name.
        public var isFlowerNode = false
        public var fold = Fold.number(0)
        /// nil where the names of the channels say it.
        public var modality: Modality?
        /// Threads of the network on a CPU; nil for a share of the cores.
        public var threads: Int?
        /// The number of a GPU; nil for the run's device.
        public var gpu: Int?
        /// Millimetres (z y x) that this site resamples to; nil for the common plan's.
        public var targetSpacing: [Double]?
        /// With fewer training cases no fingerprint leaves the site.
        public var minimumCases = 1

        public init(name: String? = nil, dataset: String) {
            self.name = name ?? dataset
            self.dataset = dataset
        }

        /// A node of Flower's.
        public init(flowerNode name: String) {
            self.init(name: name, dataset: "")
            isFlowerNode = true
        }
    }
}

extension RunFile.Site: YAMLSection {
    init() { self.init(name: "", dataset: "") }

    static let keys: [YAMLKey<Self>] = [
        YAMLKey(
            "name", \.name,
            ValueRule("a name without /") { !$0.isEmpty && !$0.contains("/") && $0 != "." && $0 != ".." }),
        YAMLKey(
            "dataset", \.dataset, .notEmpty, form: "a dataset's number or name, such as 4 or Dataset004_Hippocampus",
            requiredUnless: \RunFile.Site.isFlowerNode),
        YAMLKey("flower", \.isFlowerNode),
        YAMLKey(
            "fold", \.fold, ValueRule("0 to 4, or all-cases") { $0 == .all || (0...4).map(Fold.number).contains($0) }),
        YAMLKey("modality", \.modality),
        YAMLKey("threads", \.threads, .atLeast(1)),
        YAMLKey("gpu", \.gpu, .atLeast(0)),
        YAMLKey("target_spacing", \.targetSpacing, .spacing, form: ValueRule.spacing.text),
        YAMLKey("minimum_cases", \.minimumCases, .atLeast(0)),
    ]

    mutating func complete() { if name.isEmpty { name = dataset } }

    func check(at path: String, _ reading: inout Reading) {
        if isFlowerNode, name.isEmpty {
            reading.fault(at: path.key("name"), "is missing", "write what the node's key is registered as")
        }
        for key in Self.keys {
            // Without a dataset there is no name either, and one fault is enough.
            if key.name == "name", name.isEmpty, dataset.isEmpty { continue }
            if key.name == "dataset", isFlowerNode { continue }
            key.check(self, path.key(key.name), &reading)
        }
    }
}

/// `all` alone is refused: it is all cases in nnU-Net, and one fold after the other in FednnU-Net.
extension Fold: YAMLScalar {
    static var form: String { "0 to 4, or all-cases to train on all of them" }

    init?(scalar: String) {
        if scalar.asKey == "all_cases" {
            self = .all
        } else if let number = Int(scalar) {
            self = .number(number)
        } else {
            return nil
        }
    }

    var scalar: String {
        switch self {
        case .all: "all-cases"
        case .number(let number): String(number)
        }
    }
}

extension Modality: YAMLScalar {
    static var form: String {
        "one of " + Kind.allCases.map(\.rawValue).joined(separator: ", ") + ", or several with + between"
    }

    init?(scalar: String) {
        guard let modality = try? Modality(stated: scalar) else { return nil }
        self = modality
    }

    var scalar: String { description }
}
