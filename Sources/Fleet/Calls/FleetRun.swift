/// What nodes may know of a run.
public struct FleetRun: Sendable, Equatable, Codable {
    /// Flower's states of a run.
    public enum Status: String, Sendable, Codable {
        case pending, starting, running, finished
    }

    public var id: UInt64
    public var status: Status
    /// Flower's `publisher/app` and its version; empty where nodes get no code.
    public var fabID: String
    public var fabVersion: String
    /// SHA-256 of the bundle, in hexadecimal digits; empty without one.
    public var fabHash: String
    /// Values that take the place of those in the bundle.
    public var configuration: [String: Setting]

    /// A value of the run's configuration.
    public enum Setting: Sendable, Equatable, Codable {
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case string(String)
    }

    public init(
        id: UInt64, status: Status = .running, fabID: String = "", fabVersion: String = "", fabHash: String = "",
        configuration: [String: Setting] = [:]
    ) {
        self.id = id
        self.status = status
        self.fabID = fabID
        self.fabVersion = fabVersion
        self.fabHash = fabHash
        self.configuration = configuration
    }
}

extension FleetRun {
    /// Flower's bundles have at most 10 MB.
    public static let largestFAB = 10 << 20

    init(_ run: Flwr_Proto_Run) {
        self.init(
            id: run.runID, status: Status(rawValue: run.status.status) ?? .finished, fabID: run.fabID,
            fabVersion: run.fabVersion, fabHash: run.fabHash,
            configuration: run.overrideConfig.compactMapValues { value in
                switch value.scalar {
                case .bool(let value): .bool(value)
                case .sint64(let value): .int(value)
                case .uint64(let value): Int64(exactly: value).map(Setting.int)
                case .double(let value): .double(value)
                case .string(let value): .string(value)
                case .bytes, nil: nil
                }
            })
    }

    var message: Flwr_Proto_Run {
        .with {
            $0.runID = id
            $0.fabID = fabID
            $0.fabVersion = fabVersion
            $0.fabHash = fabHash
            $0.status.status = status.rawValue
            $0.overrideConfig = configuration.mapValues { value in
                .with {
                    switch value {
                    case .bool(let value): $0.bool = value
                    case .int(let value): $0.sint64 = value
                    case .double(let value): $0.double = value
                    case .string(let value): $0.string = value
                    }
                }
            }
            $0.federation = "@none/default"
            $0.accountName = "none"
            $0.primaryTaskType = "flwr-serverapp"
            $0.seriesID = id
        }
    }
}
