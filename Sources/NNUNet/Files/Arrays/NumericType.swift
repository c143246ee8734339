/// The element types of arrays and tensors in files.
public enum NumericType: String, Sendable, CaseIterable {
    case bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64
    case float16, bfloat16, float32, float64, complex64, complex128

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .bool, .int8, .uint8: 1
        case .int16, .uint16, .float16, .bfloat16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64, .complex64: 8
        case .complex128: 16
        }
    }

    /// What swaps when the byte order does: an element, or half a complex one.
    var swappedUnit: Int {
        switch self {
        case .complex64: 4
        case .complex128: 8
        default: byteCount
        }
    }

    /// NumPy's kind and size, such as "f4"; NumPy has no bfloat16.
    var numpyCode: String? {
        switch self {
        case .bool: "b1"
        case .int8: "i1"
        case .uint8: "u1"
        case .int16: "i2"
        case .uint16: "u2"
        case .int32: "i4"
        case .uint32: "u4"
        case .int64: "i8"
        case .uint64: "u8"
        case .float16: "f2"
        case .bfloat16: nil
        case .float32: "f4"
        case .float64: "f8"
        case .complex64: "c8"
        case .complex128: "c16"
        }
    }

    init?(numpyCode: String) {
        guard let type = Self.allCases.first(where: { $0.numpyCode == numpyCode }) else { return nil }
        self = type
    }

    /// PyTorch's typed storage, such as "FloatStorage"; the wider unsigned integers have none.
    var torchStorage: String? {
        switch self {
        case .bool: "BoolStorage"
        case .int8: "CharStorage"
        case .uint8: "ByteStorage"
        case .int16: "ShortStorage"
        case .int32: "IntStorage"
        case .int64: "LongStorage"
        case .float16: "HalfStorage"
        case .bfloat16: "BFloat16Storage"
        case .float32: "FloatStorage"
        case .float64: "DoubleStorage"
        case .complex64: "ComplexFloatStorage"
        case .complex128: "ComplexDoubleStorage"
        case .uint16, .uint32, .uint64: nil
        }
    }

    init?(torchStorage: String) {
        guard let type = Self.allCases.first(where: { $0.torchStorage == torchStorage }) else { return nil }
        self = type
    }

    /// The type of `safetensors` headers.
    var safeTensorsCode: String {
        switch self {
        case .bool: "BOOL"
        case .int8: "I8"
        case .uint8: "U8"
        case .int16: "I16"
        case .uint16: "U16"
        case .int32: "I32"
        case .uint32: "U32"
        case .int64: "I64"
        case .uint64: "U64"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .float32: "F32"
        case .float64: "F64"
        case .complex64: "C64"
        case .complex128: "C128"
        }
    }

    init?(safeTensorsCode: String) {
        guard let type = Self.allCases.first(where: { $0.safeTensorsCode == safeTensorsCode }) else { return nil }
        self = type
    }

    /// The bytes of an array of `shape`; nil where a size is negative or the product overflows.
    func byteCount(of shape: [Int]) -> Int? {
        elementCount(of: shape).flatMap { count in
            let (bytes, overflow) = count.multipliedReportingOverflow(by: byteCount)
            return overflow ? nil : bytes
        }
    }
}

/// The elements of an array of `shape`; nil where a size is negative or the product overflows.
func elementCount(of shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        guard size >= 0, !overflow else { return nil }
        count = product
    }
    return count
}
