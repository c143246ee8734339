import CTorchAPI

/// Runs `body` without recording for autograd, on this thread; therefore it cannot be asynchronous.
public func noGrad<Result>(_ body: () throws -> Result) throws -> Result {
    let api = try library.get()
    let before = api.set_grad_enabled(false)
    defer { _ = api.set_grad_enabled(before) }
    return try body()
}

/// Runs `body` with convolutions and matrix products in a shorter type, on this thread; nil leaves everything as it is.
///
/// bfloat16 on a CPU that has it; float16 or bfloat16 on CUDA.
public func autocast<Result>(_ dtype: DType?, on device: Device, _ body: () throws -> Result) throws -> Result {
    guard let dtype else { return try body() }
    let api = try library.get()
    let name = device.isCUDA ? "cuda" : "cpu"
    try check(api.set_autocast(name, true, dtype.rawValue))
    defer {
        _ = api.set_autocast(name, false, dtype.rawValue)
        api.clear_autocast_cache()  // casts of weights that the next step changes
    }
    return try body()
}

/// The threads that one libtorch operation may use.
public func setThreads(_ count: Int) throws { try check(library.get().set_threads(Int32(count))) }

/// Seeds libtorch's own generators.
public func seed(_ value: UInt64) throws { try check(library.get().seed(value)) }

/// The version of the libtorch that was loaded.
public func libtorchVersion() throws -> String { String(cString: try library.get().version()) }

/// Tensors that this process holds; for tests that look for leaks.
public func liveTensors() throws -> Int { Int(try library.get().live_tensors()) }
