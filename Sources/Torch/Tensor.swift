import CTorchAPI

/// A libtorch tensor: one owned handle.
///
/// Not `Sendable`: libtorch's grad mode, autocast and errors belong to a thread, so a trainer with a thread of its own makes
/// and keeps its tensors. Every operation that can fail throws `TorchError`.
public final class Tensor {
    let handle: ct_tensor

    /// Takes over a handle that the C interface gave.
    init(owning handle: ct_tensor?) throws {
        guard let handle else { throw lastError() }
        self.handle = handle
    }

    deinit { ct.release(handle) }

    public var rank: Int { Int(ct.rank(handle)) }

    public var shape: [Int] {
        var sizes = [Int64](repeating: 0, count: rank)
        ct.sizes(handle, &sizes)
        return sizes.map(Int.init)
    }

    public var count: Int { shape.reduce(1, *) }
    public var dtype: DType { DType(rawValue: ct.element_type(handle)) ?? .float32 }

    public var device: Device {
        let index = ct.cuda_index(handle)
        return index < 0 ? .cpu : .cuda(Int(index))
    }

    // MARK: From and to Swift values

    /// A tensor with a copy of `elements` in C order.
    public convenience init<Element: TensorElement>(_ elements: [Element], shape: [Int], on device: Device = .cpu)
        throws
    {
        try self.init(shape: shape, dtype: Element.dtype, on: device, count: elements.count) { create in
            elements.withUnsafeBytes { create($0) }
        }
    }

    /// A tensor with a copy of raw bytes of `dtype` in C order.
    public convenience init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, on device: Device = .cpu) throws
    {
        try self.init(shape: shape, dtype: dtype, on: device, count: bytes.count / dtype.size) { $0(bytes) }
    }

    private convenience init(
        shape: [Int], dtype: DType, on device: Device, count: Int,
        _ body: ((UnsafeRawBufferPointer) -> ct_tensor?) -> ct_tensor?
    ) throws {
        let api = try library.get()
        guard shape.reduce(1, *) == count else {
            throw TorchError.wrongShape("\(count) elements do not fill a tensor of shape \(shape)")
        }
        let sizes = shape.map(Int64.init)
        try self.init(
            owning: body { bytes in
                var nothing: UInt8 = 0
                return withUnsafePointer(to: &nothing) { placeholder in
                    api.from_bytes(
                        bytes.baseAddress ?? UnsafeRawPointer(placeholder), sizes, Int32(sizes.count), dtype.rawValue,
                        device.description)
                }
            })
    }

    /// A tensor filled with one value.
    public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32, on device: Device = .cpu) throws
        -> Tensor
    {
        let sizes = shape.map(Int64.init)
        return try Tensor(
            owning: library.get().full(sizes, Int32(sizes.count), value, dtype.rawValue, device.description))
    }

    public static func zeros(_ shape: [Int], dtype: DType = .float32, on device: Device = .cpu) throws -> Tensor {
        try full(shape, 0, dtype: dtype, on: device)
    }

    /// The elements in C order, converted to the asked type.
    public func array<Element: TensorElement>(_ type: Element.Type = Float.self) throws -> [Element] {
        let count = count
        return try [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0 {
                try check(
                    ct.copy_bytes(
                        handle, Element.dtype.rawValue, buffer.baseAddress!, Int64(count * Element.dtype.size)))
            }
            initialized = count
        }
    }

    /// Copies the elements in C order, in the tensor's own type, into memory of exactly that size.
    public func copyBytes(into buffer: UnsafeMutableRawBufferPointer) throws {
        guard let base = buffer.baseAddress else { return }
        try check(ct.copy_bytes(handle, dtype.rawValue, base, Int64(buffer.count)))
    }

    /// Overwrites the elements, in the tensor's own type, without a trace for autograd.
    public func assign(_ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return }
        try check(ct.assign(handle, base, Int64(bytes.count)))
    }

    /// The only element.
    public func item() throws -> Double { try array(Double.self)[0] }

    public func to(_ device: Device) throws -> Tensor {
        try Tensor(owning: ct.to(handle, -1, device.description, false))
    }
    public func to(_ dtype: DType) throws -> Tensor { try Tensor(owning: ct.to(handle, dtype.rawValue, nil, false)) }
    /// The same values with the channel axis fastest in memory.
    public func channelsLast() throws -> Tensor { try Tensor(owning: ct.to(handle, -1, nil, true)) }
}
