import CTorchAPI

/// The table of libtorch's functions, opened on first use and once.
let library: Result<ct_api_t, TorchError> = {
    var reason: UnsafePointer<CChar>?
    if let api = ct_load(&reason) { return .success(api.pointee) }
    return .failure(.libtorchMissing(reason.map { String(cString: $0) } ?? "unknown reason"))
}()

/// The table, for code that already holds a tensor: then it is there.
let ct: ct_api_t = {
    guard case .success(let api) = library else { preconditionFailure("a tensor without libtorch") }
    return api
}()

/// The error of the call that just failed on this thread.
func lastError() -> TorchError {
    let text = String(cString: ct.last_error())
    return text.contains("out of memory") || text.contains("not enough memory") ? .outOfMemory(text) : .failed(text)
}

func check(_ success: Bool) throws {
    guard success else { throw lastError() }
}

/// What libtorch says when a call fails, and what to do about it.
public enum TorchError: Error, CustomStringConvertible, Sendable {
    case libtorchMissing(String)
    case outOfMemory(String)
    case noCUDA(asked: String, devices: Int)
    case unknownDevice(String)
    case wrongShape(String)
    case parameters(String)
    case failed(String)

    public var description: String {
        switch self {
        case .libtorchMissing(let why):
            "libtorch cannot be loaded (\(why)). Run scripts/setup and `swift build`, or keep the program's folder together."
        case .outOfMemory(let text):
            "libtorch ran out of memory: \(text). Take a smaller batch size or patch size, or a device with more memory."
        case .noCUDA(let asked, let devices):
            "device \(asked) was asked for, but libtorch sees \(devices) CUDA devices. Use -device cpu, or a CUDA libtorch and driver."
        case .unknownDevice(let name): "device \"\(name)\" is unknown. Use cpu, cuda or cuda:N."
        case .wrongShape(let text), .parameters(let text): text
        case .failed(let text): "libtorch: \(text)"
        }
    }
}
