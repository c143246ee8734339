extension RunFile {
    /// Where sites train.
    public enum Device: Sendable, Equatable {
        /// On CUDA where there is one, else on the CPU.
        case automatic
        case cpu
        /// On the current GPU, or one by its number.
        case cuda(Int? = nil)

        /// As `-device` takes it; nil for what is there.
        public var name: String? { self == .automatic ? nil : scalar }
    }
}

extension RunFile.Device: YAMLScalar {
    static var form: String { "one of auto, cpu, cuda, cuda:0" }

    init?(scalar: String) {
        switch scalar {
        case "auto": self = .automatic
        case "cpu": self = .cpu
        case "cuda": self = .cuda()
        default:
            guard scalar.hasPrefix("cuda:"), let number = Int(scalar.dropFirst(5)), number >= 0 else { return nil }
            self = .cuda(number)
        }
    }

    var scalar: String {
        switch self {
        case .automatic: "auto"
        case .cpu: "cpu"
        case .cuda(let number): number.map { "cuda:\($0)" } ?? "cuda"
        }
    }
}
