/// Where tensors live.
public enum Device: Sendable, Equatable, CustomStringConvertible {
    case cpu
    case cuda(Int)

    /// Reads `cpu`, `cuda` or `cuda:N`. Whether that device is there is seen by `checkAvailable()`.
    public init(_ name: String) throws {
        if name == "cpu" {
            self = .cpu
        } else if name == "cuda" {
            self = .cuda(0)
        } else if name.hasPrefix("cuda:"), let index = Int(name.dropFirst(5)), index >= 0 {
            self = .cuda(index)
        } else {
            throw TorchError.unknownDevice(name)
        }
    }

    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    public var isCUDA: Bool { self != .cpu }

    /// The CUDA devices that libtorch sees.
    public static func cudaCount() throws -> Int { Int(try library.get().cuda_device_count()) }

    /// Throws unless libtorch can compute here.
    public func checkAvailable() throws {
        guard case .cuda(let index) = self else { _ = try library.get(); return }
        let count = try Device.cudaCount()
        guard index < count else { throw TorchError.noCUDA(asked: description, devices: count) }
    }

    /// Waits until everything that was sent to the device is done.
    public func synchronize() throws { try check(library.get().synchronize(description)) }
}
