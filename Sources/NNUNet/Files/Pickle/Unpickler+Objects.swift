extension Unpickler {
    /// The names that only carry data. NumPy 1 and 2 have different spellings of the same.
    private enum Known {
        static let callable: Set<String> = [
            "collections.OrderedDict",
            "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
            "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
            "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer",
            "numpy.dtype", "numpy.ndarray", "_codecs.encode",
            "builtins.bytes", "__builtin__.bytes", "builtins.bytearray", "__builtin__.bytearray",
            "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset",
            "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
            "torch._utils._rebuild_parameter", "torch.device", "torch.Size",
        ]
        static let untypedStorages: Set<String> = ["torch.storage.UntypedStorage", "torch.UntypedStorage"]

        static func storageType(_ name: String) -> NumericType? {
            if untypedStorages.contains(name) { return .uint8 }
            guard name.hasPrefix("torch.") else { return nil }
            return NumericType(torchStorage: String(name.dropFirst("torch.".count)))
        }

        /// `torch.float32` and the like.
        static func tensorType(_ name: String) -> NumericType? {
            guard name.hasPrefix("torch.") else { return nil }
            return NumericType(rawValue: String(name.dropFirst("torch.".count)))
        }
    }

    mutating func global(_ name: String) throws {
        guard
            Known.callable.contains(name) || Known.storageType(name) != nil || Known.tensorType(name) != nil
                || names.contains(name)
        else { throw FileError.forbiddenGlobal(file: reader.file, name: name) }
        try push(.global(name))
    }

    /// Rebuilds what a known name makes of its arguments.
    mutating func call(_ callee: Int, _ arguments: Int) throws {
        guard case .global(let name) = nodes[callee], case .tuple(let arguments) = nodes[arguments] else {
            throw malformed("it calls a value that is not a name, before byte \(reader.position)")
        }
        switch name.split(separator: ".").last {
        case "OrderedDict": try push(.dictionary(try orderedPairs(arguments), ordered: true))
        case "_reconstruct": try push(.emptyArray)
        case "scalar": try push(.value(.scalar(try scalar(arguments))))
        case "_frombuffer": try push(.value(.array(try bufferArray(arguments))))
        case "dtype": try pushElementType(arguments)
        case "encode": try push(.value(.bytes(try encodedBytes(arguments))))
        case "bytes", "bytearray":
            try push(.value(.bytes(arguments.isEmpty ? [] : try bytes(arguments[0]))))
        case "set", "frozenset":
            guard let first = arguments.first else { return try push(.set([])) }
            try spend(8 * (items(first)?.count ?? 0))
            try push(.set(try required(items(first), "the content of a set")))
        case "_rebuild_tensor", "_rebuild_tensor_v2": try push(.value(.tensor(try tensor(arguments))))
        case "_rebuild_tensor_v3":
            guard arguments.count > 6, case .global(let typeName) = nodes[arguments[6]],
                let type = Known.tensorType(typeName)
            else { throw malformed("a tensor has no element type") }
            try push(.value(.tensor(try tensor(arguments, type: type))))
        case "_rebuild_parameter":
            guard let first = arguments.first, case .value(.tensor(var tensor)) = nodes[first] else {
                throw malformed("a parameter is not a tensor")
            }
            tensor.requiresGradient = arguments.count < 2 || nodes[arguments[1]].value?.asBool != false
            try push(.value(.tensor(tensor)))
        case "device":
            guard let type = arguments.first.flatMap({ nodes[$0].value?.asString }) else {
                throw malformed("a device has no name")
            }
            let number = arguments.count > 1 ? nodes[arguments[1]].value?.asInteger : nil
            try push(.value(.device(number.map { "\(type):\($0)" } ?? type)))
        case "Size": try push(.value(.size(try integers(arguments.first, "a tensor's size"))))
        default: throw FileError.forbiddenGlobal(file: reader.file, name: "\(name)(…)")
        }
    }

    /// Gives a rebuilt object its state.
    mutating func build(_ index: Int, _ state: Int) throws {
        switch nodes[index] {
        case .emptyArray:
            guard let state = items(state), state.count == 5 else { throw malformed("an array has no content") }
            let array = try array(
                shape: try integers(state[1], "an array's shape"), type: state[2],
                fortran: nodes[state[3]].value?.asBool == true, bytes: try bytes(state[4]))
            setNode(index, .value(.array(array)))
        case .elementType(let type, _):
            guard let state = items(state), state.count >= 2, let order = nodes[state[1]].value?.asString else {
                throw malformed("an element type has no byte order")
            }
            setNode(index, .elementType(type, bigEndian: order == ">"))
        case .dictionary(_, ordered: true): break  // attributes of a state dict: versions of its modules
        case .value(.tensor): break
        default: throw unsupported("it sets the state of an object that is not data, before byte \(reader.position)")
        }
    }

    /// Storages of tensors are named by a tuple: ("storage", type, key, location, element count).
    mutating func persistent(_ index: Int) throws {
        guard let items = items(index), items.count >= 5, nodes[items[0]].value?.asString == "storage",
            case .global(let typeName) = nodes[items[1]], let type = Known.storageType(typeName),
            let key = nodes[items[2]].value?.asString, let location = nodes[items[3]].value?.asString,
            let count = nodes[items[4]].value?.asInteger, count >= 0
        else { throw malformed("it names something outside of itself that is not a tensor's storage") }
        try push(.storage(TensorStorage(key: key, type: type, count: count, location: location)))
    }

    // MARK: Arguments

    private func items(_ index: Int) -> [Int]? {
        switch nodes[index] {
        case .list(let items), .tuple(let items): items
        default: nil
        }
    }

    private func required<T>(_ value: T?, _ what: String) throws -> T {
        guard let value else { throw malformed("\(what) is missing or of another type") }
        return value
    }

    private mutating func integers(_ index: Int?, _ what: String) throws -> [Int] {
        if let index, case .value(.size(let sizes)) = nodes[index] { return sizes }
        let elements = try required(index.flatMap { items($0) }, what)
        guard elements.count <= 64 else { throw malformed("\(what) has \(elements.count) axes") }
        var integers: [Int] = []
        for item in elements { integers.append(try required(nodes[item].value?.asInteger, what)) }
        return integers
    }

    /// Bytes, or a Python 2 string that stands for them.
    private mutating func bytes(_ index: Int) throws -> [UInt8] {
        switch nodes[index] {
        case .value(.bytes(let bytes)): return bytes
        case .value(.string(let text)): return try latinBytes(text)
        case .list: throw unsupported("it holds a NumPy array of Python objects")
        default: throw malformed("bytes are missing, before byte \(reader.position)")
        }
    }

    private mutating func latinBytes(_ text: String) throws -> [UInt8] {
        try spend(text.utf8.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else {
                throw malformed("a text stands for bytes and is none")
            }
            bytes.append(byte)
        }
        return bytes
    }

    /// Protocol 2 has no bytes: they are text that is to be encoded.
    private mutating func encodedBytes(_ arguments: [Int]) throws -> [UInt8] {
        guard arguments.count == 2, let text = nodes[arguments[0]].value?.asString,
            let encoding = nodes[arguments[1]].value?.asString, ["latin1", "latin-1", "iso-8859-1"].contains(encoding)
        else { throw malformed("bytes are encoded in an unknown way") }
        return try latinBytes(text)
    }

    private mutating func orderedPairs(_ arguments: [Int]) throws -> [Int] {
        guard let first = arguments.first else { return [] }
        if case .dictionary(let pairs, _) = nodes[first] {
            try spend(8 * pairs.count)
            return pairs
        }
        let pairs = try required(items(first), "the content of an ordered dictionary")
        try spend(16 * pairs.count)
        var flat: [Int] = []
        for pair in pairs {
            guard let pair = items(pair), pair.count == 2 else { throw malformed("a pair does not have two members") }
            flat += pair
        }
        return flat
    }

    private mutating func pushElementType(_ arguments: [Int]) throws {
        let name = try required(arguments.first.flatMap { nodes[$0].value?.asString }, "an element type's name")
        let bigEndian = name.hasPrefix(">")
        let code = name.hasPrefix("<") || name.hasPrefix("|") || bigEndian ? String(name.dropFirst()) : name
        guard let type = NumericType(numpyCode: code) else {
            throw unsupported("it holds NumPy elements of type \(name.prefix(40)); only numbers are taken")
        }
        try push(.elementType(type, bigEndian: bigEndian))
    }

    private mutating func scalar(_ arguments: [Int]) throws -> NumericArray {
        guard arguments.count == 2 else { throw malformed("a NumPy scalar has no value") }
        return try array(shape: [], type: arguments[0], fortran: false, bytes: try bytes(arguments[1]))
    }

    private mutating func bufferArray(_ arguments: [Int]) throws -> NumericArray {
        guard arguments.count == 4 else { throw malformed("an array has no content") }
        return try array(
            shape: try integers(arguments[2], "an array's shape"), type: arguments[1],
            fortran: nodes[arguments[3]].value?.asString == "F", bytes: try bytes(arguments[0]))
    }

    private mutating func array(shape: [Int], type: Int, fortran: Bool, bytes: [UInt8]) throws -> NumericArray {
        guard case .elementType(let type, let bigEndian) = nodes[type] else {
            throw malformed("an array has no element type")
        }
        guard type.byteCount(of: shape) == bytes.count else {
            throw malformed("\(bytes.count) bytes do not fill an array of shape \(shape) of \(type)")
        }
        var ordered = bytes
        if bigEndian {
            try spend(bytes.count)
            ordered = ArrayLayout.swapped(ordered, unit: type.swappedUnit)
        }
        if fortran {
            try spend(bytes.count)
            ordered = ArrayLayout.cOrder(fortran: ordered, shape: shape, unit: type.byteCount)
        }
        return try NumericArray(type: type, shape: shape, bytes: ordered, file: reader.file)
    }

    /// Arguments: storage, offset, shape, strides, requires gradient, hooks.
    private mutating func tensor(_ arguments: [Int], type: NumericType? = nil) throws -> TensorReference {
        guard arguments.count >= 4, case .storage(let storage) = nodes[arguments[0]],
            let offset = nodes[arguments[1]].value?.asInteger
        else { throw malformed("a tensor has no storage") }
        let shape = try integers(arguments[2], "a tensor's shape")
        let strides = try integers(arguments[3], "a tensor's strides")
        let requiresGradient = arguments.count > 4 && nodes[arguments[4]].value?.asBool == true
        guard
            let tensor = TensorReference(
                storage: storage, offset: offset, shape: shape, strides: strides, requiresGradient: requiresGradient,
                type: type ?? storage.type)
        else { throw malformed("a tensor of shape \(shape) reaches out of its storage of \(storage.count) elements") }
        return tensor
    }
}

extension Unpickler.Node {
    /// The value of a node that is finished.
    var value: PickleValue? { if case .value(let value) = self { value } else { nil } }
}
