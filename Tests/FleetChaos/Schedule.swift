import Federation
import Foundation

/// One run with its faults: all of it follows from the seed.
struct Schedule: Sendable, Encodable {
    enum Identity: String, Sendable, Encodable { case certificates, keys }

    /// Which process is ended, and when.
    struct Kill: Sendable, Encodable {
        /// 0 is the server, 1 the first site.
        var process: Int
        var moment: Moment
        /// Seconds until it is started again.
        var pause: Double
    }

    /// When a fault happens: by the clock, or by what has passed between server and sites.
    enum Moment: Sendable, Encodable {
        case seconds(Double)
        case bytes(Int)
    }

    /// How many connections end, and where.
    struct Cuts: Sendable, Encodable {
        enum Kind: String, Sendable, Encodable, CaseIterable {
            case close, reset
            /// Stands still for a while, and then goes on.
            case pause
            /// Swallows all that follows; only a timeout ends it.
            case swallow
        }

        /// Of all connections.
        var probability: Double
        /// The most bytes in one direction before the cut.
        var longest: Int
        var kinds: [Kind]
    }

    /// A client that makes calls twice, or one after those that should have followed it.
    struct Disorder: Sendable, Encodable {
        var repeats: Double
        var delays: Double
    }

    /// The server's disk is full for a while.
    struct FullDisk: Sendable, Encodable {
        var moment: Moment
        /// What is left of it, in bytes.
        var free: Int
        var seconds: Double
    }

    let seed: UInt64
    var identity: Identity
    var sites: Int
    var rounds: Int
    /// Of the model.
    var bytes: Int
    var tensors: Int
    var packed: Bool
    /// Of each direction, in seconds.
    var latency: Double
    /// In bytes in a second, of all connections together; nil for no limit.
    var rate: Int?
    var cuts: Cuts?
    var kills: [Kill]
    var disorder: Disorder?
    var fullDisk: FullDisk?

    /// What a run without faults sends, roughly: models down twice and up once in a round, and the calls around them.
    var traffic: Int { sites * (rounds * (3 * bytes + 25_000) + bytes + 10_000) }

    /// By name, in the order of processes.
    static let names = ["server", "a", "b", "c"]
    /// The sites' targets and examples: examples make a power of two, so that the result is exact.
    static func targets(_ sites: Int) -> [Int] { Array([1, 4, -2][..<sites]) }
    static func examples(_ sites: Int) -> [Int] { sites == 2 ? [1, 3] : [1, 2, 5] }
}

extension Schedule {
    /// Draws a schedule. A disk can be filled only where this process may mount one.
    init(seed: UInt64, canFillDisks: Bool) {
        var random = SplitMix64(seed: seed)
        func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &random) < probability }
        /// As many small ones as large ones.
        func spread(_ low: Int, _ high: Int) -> Int {
            Int(exp(Double.random(in: log(Double(low))...log(Double(high)), using: &random)))
        }
        self.seed = seed
        identity = chance(0.5) ? .certificates : .keys
        sites = .random(in: 2...3, using: &random)
        rounds = .random(in: 3...4, using: &random)
        let size = Double.random(in: 0..<1, using: &random)
        bytes = size < 0.5 ? spread(64, 8000) : size < 0.8 ? spread(100_000, 1_000_000) : spread(2_000_000, 8_000_000)
        let isSlow = chance(0.25)
        // Twenty seconds on the slow link, without faults.
        if isSlow { bytes = min(bytes, 10_000_000 / (sites * rounds * 3)) }
        bytes -= bytes % 4
        tensors = .random(in: 1...min(30, bytes / 8), using: &random)
        packed = chance(0.2)
        rate = isSlow ? 500_000 : nil
        latency = chance(0.5) ? .random(in: 0.001...0.06, using: &random) : 0
        let bytes = bytes
        cuts =
            chance(0.6)
            ? Cuts(
                probability: .random(in: 0.1...0.8, using: &random), longest: spread(4000, max(40_000, 2 * bytes)),
                // Each swallowing costs a timeout, so that it is rarer.
                kinds: Cuts.Kind.allCases.filter { $0 != .swallow || chance(0.4) })
            : nil
        disorder =
            chance(0.6)
            ? Disorder(repeats: .random(in: 0...0.5, using: &random), delays: .random(in: 0...0.4, using: &random))
            : nil
        kills = []
        let traffic = traffic
        func moment() -> Moment {
            chance(0.7)
                ? .bytes(.random(in: 0..<traffic, using: &random)) : .seconds(.random(in: 0...5, using: &random))
        }
        let count = chance(0.85) ? Int.random(in: 1...5, using: &random) : 0
        for _ in 0..<count {
            let process = chance(0.5) ? 0 : Int.random(in: 1...sites, using: &random)
            kills.append(
                Kill(process: process, moment: moment(), pause: chance(0.5) ? 0 : .random(in: 0...2, using: &random)))
        }
        let fills = chance(0.2)
        if fills && canFillDisks {
            fullDisk = FullDisk(
                moment: moment(), free: chance(0.5) ? 0 : .random(in: 0..<2 * bytes + 20_000, using: &random),
                seconds: .random(in: 0.5...3, using: &random))
        }
    }
}
