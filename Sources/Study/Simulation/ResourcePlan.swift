/// How the sites of a simulation share one machine.
public struct ResourcePlan: Sendable, Equatable, CustomStringConvertible {
    /// Sites that work at a time.
    public var sitesAtATime: Int
    /// By site, in order: of its network, on a CPU. Sums of another number of threads end in other bits, so a run keeps them.
    public var threads: [Int]
    /// By site, in order: "cpu" or "cuda:N".
    public var devices: [String]

    /// - Parameters:
    ///   - wanted: by site, where its place is stated.
    ///   - gpus: that can be used; 0 leaves the CPU.
    ///   - stated: by site, threads where they are stated; the others get a share of the cores.
    /// - Throws: `StudyError.setting` where a GPU is asked for that is not there.
    public init(
        sites: Int, cores: Int, gpus: Int, device: RunFile.Device, wanted: [Int?], threads stated: [Int?]
    ) throws {
        var asked = wanted.compactMap { $0 }
        if case .cuda(let number) = device { asked.append(number ?? 0) }
        if let missing = asked.first(where: { $0 >= gpus }) {
            throw StudyError.setting(
                "GPU \(missing) is asked for, and \(gpus) can be used here. Set device to cpu, or take a libtorch for CUDA."
            )
        }
        let onCPU = device == .cpu || (gpus == 0 && wanted.allSatisfy { $0 == nil })
        if onCPU {
            sitesAtATime = max(1, min(sites, cores / max(1, stated.compactMap { $0 }.max() ?? 1)))
            threads = Self.threads(stated, cores: cores, sitesAtATime: sitesAtATime)
            devices = Array(repeating: "cpu", count: sites)
            return
        }
        // Sites that state none take turns on the GPUs.
        var next = 0
        devices = wanted.map { wanted in
            if let wanted { return "cuda:\(wanted)" }
            if case .cuda(let number?) = device { return "cuda:\(number)" }
            defer { next += 1 }
            return "cuda:\(next % max(1, gpus))"
        }
        sitesAtATime = max(1, Set(devices).count)
        threads = Self.threads(stated, cores: cores, sitesAtATime: sitesAtATime)
    }

    private static func threads(_ stated: [Int?], cores: Int, sitesAtATime: Int) -> [Int] {
        stated.map { $0 ?? max(1, cores / sitesAtATime) }
    }

    public var description: String {
        let places = Set(devices).sorted()
        let (fewest, most) = (threads.min() ?? 1, threads.max() ?? 1)
        let share =
            fewest == most ? "\(most) thread\(most == 1 ? "" : "s") each" : "\(fewest) to \(most) threads each"
        let where_ = places == ["cpu"] ? share : places.joined(separator: ", ")
        return "\(devices.count) site\(devices.count == 1 ? "" : "s"), \(sitesAtATime) at a time, \(where_)"
    }
}
