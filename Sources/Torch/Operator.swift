import CTorchAPI

/// An argument of a libtorch operator.
public enum OperatorArgument {
    case none
    case tensor(Tensor)
    case int(Int)
    case double(Double)
    case bool(Bool)
    case ints([Int])
    case bools([Bool])
    case tensors([Tensor])
    case string(String)
    case dtype(DType)
}

/// Calls any libtorch operator by its schema's name; arguments that are left out at the end take the schema's defaults.
///
/// - Parameters: `op` such as `aten::add`, `overload` such as `Tensor`.
/// - Returns: the tensors among its results, in order.
@discardableResult
public func callAll(_ op: String, _ overload: String = "", _ arguments: [OperatorArgument], capacity: Int = 4) throws
    -> [Tensor]
{
    let api = try library.get()
    // Lists of all arguments, one after the other, so that the pointers stay put while the call runs.
    var numbers: [Int64] = []
    var handles: [ct_tensor] = []
    for argument in arguments {
        switch argument {
        case .ints(let list): numbers += list.map(Int64.init)
        case .bools(let list): numbers += list.map { $0 ? 1 : 0 }
        case .tensors(let list): handles += list.map(\.handle)
        default: break
        }
    }
    var results = [ct_tensor?](repeating: nil, count: capacity)
    var resultCount: Int32 = 0
    try withExtendedLifetime(arguments) {
        try numbers.withUnsafeBufferPointer { numbers in
            try handles.withUnsafeBufferPointer { handles in
                var nextNumber = 0
                var nextHandle = 0
                var strings: [ContiguousArray<CChar>] = []
                var values: [ct_value] = []
                values.reserveCapacity(arguments.count)
                for argument in arguments {
                    var value = ct_value()
                    switch argument {
                    case .none: value.kind = CT_NONE
                    case .tensor(let tensor):
                        value.kind = CT_TENSOR
                        value.list = UnsafeRawPointer(tensor.handle)
                    case .int(let number): (value.kind, value.integer) = (CT_INT, Int64(number))
                    case .dtype(let dtype): (value.kind, value.integer) = (CT_INT, Int64(dtype.rawValue))
                    case .double(let number): (value.kind, value.real) = (CT_DOUBLE, number)
                    case .bool(let flag): (value.kind, value.integer) = (CT_BOOL, flag ? 1 : 0)
                    case .ints(let list):
                        (value.kind, value.count) = (CT_INTS, Int64(list.count))
                        value.list = numbers.baseAddress.map { UnsafeRawPointer($0 + nextNumber) }
                        nextNumber += list.count
                    case .bools(let list):
                        (value.kind, value.count) = (CT_BOOLS, Int64(list.count))
                        value.list = numbers.baseAddress.map { UnsafeRawPointer($0 + nextNumber) }
                        nextNumber += list.count
                    case .tensors(let list):
                        (value.kind, value.count) = (CT_TENSORS, Int64(list.count))
                        value.list = handles.baseAddress.map { UnsafeRawPointer($0 + nextHandle) }
                        nextHandle += list.count
                    case .string(let text):
                        let bytes = ContiguousArray(text.utf8CString)
                        strings.append(bytes)
                        (value.kind, value.count) = (CT_STRING, Int64(bytes.count - 1))
                        value.list = bytes.withUnsafeBytes { $0.baseAddress }
                    }
                    values.append(value)
                }
                try withExtendedLifetime(strings) {
                    try check(
                        api.call(op, overload, values, Int32(values.count), &results, Int32(capacity), &resultCount))
                }
            }
        }
    }
    return try results.prefix(Int(resultCount)).map(Tensor.init(owning:))
}

/// Calls an operator that returns one tensor.
public func call(_ op: String, _ overload: String = "", _ arguments: OperatorArgument...) throws -> Tensor {
    guard let result = try callAll(op, overload, arguments).first else {
        throw TorchError.failed("\(op) returned no tensor")
    }
    return result
}
