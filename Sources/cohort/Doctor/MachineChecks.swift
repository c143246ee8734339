import Provisioning
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Disk, memory, and what computes.
struct MachineChecks {
    let kind: Participant.Kind
    /// Where the program will keep its runs.
    let folder: URL
    let size: ModelSize

    func run(_ checkup: inout Checkup) async {
        await checkup.check("disk") { try disk() }
        guard kind != .administrator else { return }
        checkup.note("memory", memory())
        if kind == .site { await checkup.check("libtorch") { try libtorch() } }
    }

    private func disk() throws -> Finding.Result {
        let space = try DiskSpace(at: folder)
        try space.tryWriting()
        let text = "\(gigabytes(space.free)) GB free at \(space.folder.path)"
        // Objects on their way, and states and checkpoints with momentum, of two rounds.
        let needed = kind == .administrator ? size.down : 10 * size.down
        guard space.free > needed else {
            return .fail("\(text), and \(gigabytes(needed)) GB are needed. Make room, or name another with --folder")
        }
        let comfortable = kind == .site ? 20_000_000_000 : 2 * needed
        guard space.free > comfortable else {
            return .warn("\(text). Preprocessed cases and checkpoints often take more; watch it")
        }
        return .pass(text)
    }

    private func memory() -> Finding.Result {
        guard let available = MainMemory.available() else { return .skip("this system does not tell") }
        let text = "\(gigabytes(available)) GB available"
        let (fewest, enough) = kind == .site ? (4.0, 16.0) : (0.3, 1.0)
        let held = Double(available) / 1e9
        if held < fewest { return .fail("\(text). A \(kind.rawValue) needs \(fewest) GB; stop other programs") }
        return held < enough ? .warn("\(text). \(enough) GB are better for a \(kind.rawValue)") : .pass(text)
    }

    private func libtorch() throws -> Finding.Result {
        try Device.cpu.checkAvailable()
        let count = try Device.cudaCount()
        if count > 0 { return .pass("loads, and sees \(count) CUDA device\(count == 1 ? "" : "s")") }
        if FileManager.default.fileExists(atPath: "/proc/driver/nvidia/version") {
            return .warn(
                "loads, but sees no GPU, though a driver is there. Put a CUDA build of libtorch in its place, or give the "
                    + "container the GPU")
        }
        return .warn("loads; there is no GPU, so training takes many times as long")
    }

    private func gigabytes(_ bytes: Int) -> String { Progress.rounded(Double(bytes) / 1e9) }
}
