extension RunFile {
    /// What stock Flower nodes in a run need.
    public struct Flower: Sendable, Equatable {
        /// The bundle of the Python app that they run, which `flwr build` made.
        public var fab: String?
        /// The model to begin with under the names that the app knows, in safetensors; only where no site of Cohort's
        /// takes part, since that gives it otherwise.
        public var initial: String?

        public init() {}

        /// What a run's folder at a server has these files as. Paths of the run file are those of its writer's machine.
        public static let fabFile = "app.fab"
        public static let initialFile = "initial.safetensors"

        /// As the server keeps it.
        public func atServer() -> Flower {
            var result = Flower()
            if fab != nil { result.fab = Self.fabFile }
            if initial != nil { result.initial = Self.initialFile }
            return result
        }
    }
}

extension RunFile.Flower: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("fab", \.fab, .notEmpty, form: "a file that flwr build made, such as app.fab"),
        YAMLKey("initial", \.initial, .notEmpty, form: "a file such as initial.safetensors"),
    ]
}
