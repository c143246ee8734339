/// A dense array as files hold it: element type, shape, and bytes in C order, little-endian.
public struct NumericArray: Sendable, Equatable {
    public let type: NumericType
    public let shape: [Int]
    public let bytes: [UInt8]

    /// - Throws: `FileError.malformed` where the bytes do not fill the shape.
    public init(type: NumericType, shape: [Int], bytes: [UInt8], file: String = "the array") throws {
        guard type.byteCount(of: shape) == bytes.count else {
            throw FileError.malformed(
                file: file, fact: "\(bytes.count) bytes do not fill an array of shape \(shape) of \(type)")
        }
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// An array of one Swift number type. The elements must be as many as the shape holds.
    public init<Element: NumericArrayElement>(_ elements: [Element], shape: [Int]) {
        precondition(elementCount(of: shape) == elements.count, "\(elements.count) elements do not fill \(shape)")
        type = Element.numericType
        self.shape = shape
        bytes = elements.withUnsafeBytes { Array($0) }
    }

    public var count: Int { bytes.count / type.byteCount }

    /// The elements where they are of exactly this type, else nil.
    public func elements<Element: NumericArrayElement>(_: Element.Type = Element.self) -> [Element]? {
        guard type == Element.numericType else { return nil }
        let count = count
        return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
            initialized = count
        }
    }

    /// The elements as doubles, whatever real type they are; nil for complex ones.
    public func doubles() -> [Double]? {
        switch type {
        case .bool, .uint8: bytes.map { Double($0) }
        case .int8: elements(Int8.self)?.map { Double($0) }
        case .int16: elements(Int16.self)?.map { Double($0) }
        case .uint16: elements(UInt16.self)?.map { Double($0) }
        case .int32: elements(Int32.self)?.map { Double($0) }
        case .uint32: elements(UInt32.self)?.map { Double($0) }
        case .int64: elements(Int64.self)?.map { Double($0) }
        case .uint64: elements(UInt64.self)?.map { Double($0) }
        case .float16: bitPatterns().map { Double(float(half: $0)) }
        case .bfloat16: bitPatterns().map { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .float32: elements(Float.self)?.map { Double($0) }
        case .float64: elements(Double.self)
        case .complex64, .complex128: nil
        }
    }

    /// The elements as integers; nil where the type is not an integer's or a value does not fit.
    public func integers() -> [Int]? {
        switch type {
        case .bool, .uint8: bytes.map { Int($0) }
        case .int8: elements(Int8.self)?.map { Int($0) }
        case .int16: elements(Int16.self)?.map { Int($0) }
        case .uint16: elements(UInt16.self)?.map { Int($0) }
        case .int32: elements(Int32.self)?.map { Int($0) }
        case .uint32: elements(UInt32.self)?.map { Int($0) }
        case .int64: elements(Int64.self)?.map { Int($0) }
        case .uint64:
            elements(UInt64.self)?.reduce(into: [Int]?.some([])) { all, value in
                guard let integer = Int(exactly: value) else { return all = nil }
                all?.append(integer)
            }
        default: nil
        }
    }

    private func bitPatterns() -> [UInt16] {
        let count = count
        return [UInt16](unsafeUninitializedCapacity: count) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
            initialized = count
        }
    }
}

/// A Swift number that is an element type of files.
public protocol NumericArrayElement: BitwiseCopyable, Sendable {
    static var numericType: NumericType { get }
}

extension Int8: NumericArrayElement { public static var numericType: NumericType { .int8 } }
extension UInt8: NumericArrayElement { public static var numericType: NumericType { .uint8 } }
extension Int16: NumericArrayElement { public static var numericType: NumericType { .int16 } }
extension UInt16: NumericArrayElement { public static var numericType: NumericType { .uint16 } }
extension Int32: NumericArrayElement { public static var numericType: NumericType { .int32 } }
extension UInt32: NumericArrayElement { public static var numericType: NumericType { .uint32 } }
extension Int64: NumericArrayElement { public static var numericType: NumericType { .int64 } }
extension UInt64: NumericArrayElement { public static var numericType: NumericType { .uint64 } }
extension Float: NumericArrayElement { public static var numericType: NumericType { .float32 } }
extension Double: NumericArrayElement { public static var numericType: NumericType { .float64 } }

/// An IEEE half as a float, on every platform alike.
private func float(half: UInt16) -> Float {
    let sign: Float = half & 0x8000 == 0 ? 1 : -1
    let exponent = Int(half >> 10 & 0x1f)
    let fraction = Float(half & 0x3ff)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return half & 0x3ff == 0 ? sign * .infinity : .nan
    default: return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
    }
}

/// Reorders bytes as files may hold them into C order, little-endian.
enum ArrayLayout {
    /// `bytes` in C order, where they are in Fortran order: the first axis varies fastest.
    static func cOrder(fortran bytes: [UInt8], shape: [Int], unit: Int) -> [UInt8] {
        guard shape.count > 1, !bytes.isEmpty else { return bytes }
        var strides = [Int](repeating: unit, count: shape.count)
        for axis in 1..<shape.count { strides[axis] = strides[axis - 1] * shape[axis - 1] }
        return gather(bytes, shape: shape, byteStrides: strides, offset: 0, unit: unit)
    }

    /// The elements at `byteStrides` from `offset` on, in C order. The caller has checked that they are inside.
    static func gather(_ bytes: [UInt8], shape: [Int], byteStrides: [Int], offset: Int, unit: Int) -> [UInt8] {
        let total = shape.reduce(1, *) * unit
        return [UInt8](unsafeUninitializedCapacity: total) { target, initialized in
            bytes.withUnsafeBufferPointer { source in
                var index = [Int](repeating: 0, count: shape.count)
                var from = offset
                for to in stride(from: 0, to: total, by: unit) {
                    for byte in 0..<unit { target[to + byte] = source[from + byte] }
                    var axis = shape.count - 1
                    while axis >= 0 {
                        index[axis] += 1
                        from += byteStrides[axis]
                        if index[axis] < shape[axis] { break }
                        from -= byteStrides[axis] * shape[axis]
                        index[axis] = 0
                        axis -= 1
                    }
                }
            }
            initialized = total
        }
    }

    /// Turns big-endian units into little-endian ones.
    static func swapped(_ bytes: [UInt8], unit: Int) -> [UInt8] {
        guard unit > 1 else { return bytes }
        var result = bytes
        for start in stride(from: 0, to: bytes.count - unit + 1, by: unit) {
            for byte in 0..<unit { result[start + byte] = bytes[start + unit - 1 - byte] }
        }
        return result
    }
}
