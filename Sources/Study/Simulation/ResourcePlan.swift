/// How the sites of a simulation share one machine.
public struct ResourcePlan: Sendable, Equatable, CustomStringConvertible {
    /// Sites that work at a time.
    public var sitesAtATime: Int
    /// Of one site's network, on a CPU.
    public var threads: Int
    /// By site, in order: "cpu" or "cuda:N".
    public var devices: [String]

    /// - Parameters:
    ///   - wanted: by site, where its place is stated.
    ///   - gpus: that can be used; 0 leaves the CPU.
    /// - Throws: `StudyError.setting` where a GPU is asked for that is not there.
    public init(sites: Int, cores: Int, gpus: Int, device: RunFile.Device, wanted: [Int?]) throws {
        var asked = wanted.compactMap { $0 }
        if case .cuda(let number) = device { asked.append(number ?? 0) }
        if let missing = asked.first(where: { $0 >= gpus }) {
            throw StudyError.setting(
                "GPU \(missing) is asked for, and \(gpus) can be used here. Set device to cpu, or take a libtorch for CUDA."
            )
        }
        let onCPU = device == .cpu || (gpus == 0 && wanted.allSatisfy { $0 == nil })
        if onCPU {
            sitesAtATime = max(1, min(sites, cores))
            threads = max(1, cores / sitesAtATime)
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
        threads = max(1, cores / sitesAtATime)
    }

    public var description: String {
        let places = Set(devices).sorted()
        let where_ =
            places == ["cpu"] ? "\(threads) thread\(threads == 1 ? "" : "s") each" : places.joined(separator: ", ")
        return "\(devices.count) site\(devices.count == 1 ? "" : "s"), \(sitesAtATime) at a time, \(where_)"
    }
}
