/// A dense array of any rank in C order: the last axis varies fastest.
///
/// Spatial axes are nnU-Net's: slowest file axis first, so (z, y, x) for an ordinary volume; a channel axis, where there
/// is one, comes first. Kernels work on `elements` through unsafe buffers; subscripts are for tests and odd voxels.
public struct Volume<Element: Sendable>: Sendable {
    public private(set) var shape: [Int]
    public var elements: [Element]

    /// An array of `shape` filled with one value.
    public init(shape: [Int], repeating value: Element) {
        self.shape = shape
        self.elements = Array(repeating: value, count: shape.reduce(1, *))
    }

    /// An array over existing elements, which must be exactly as many as `shape` holds.
    public init(shape: [Int], elements: [Element]) {
        precondition(elements.count == shape.reduce(1, *), "\(elements.count) elements do not fill a shape of \(shape)")
        self.shape = shape
        self.elements = elements
    }

    /// An array whose storage is written by `initializer`, without filling it first; every element must be set.
    public init(shape: [Int], unsafeUninitialized initializer: (UnsafeMutableBufferPointer<Element>) throws -> Void)
        rethrows
    {
        let count = shape.reduce(1, *)
        self.shape = shape
        self.elements = try Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            try initializer(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    public var count: Int { elements.count }
    public var rank: Int { shape.count }

    /// The distance, in elements, between neighbours along each axis.
    public var strides: [Int] { Self.strides(of: shape) }

    public static func strides(of shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        return strides
    }

    public subscript(index: [Int]) -> Element {
        get { elements[offset(of: index)] }
        set { elements[offset(of: index)] = newValue }
    }

    private func offset(of index: [Int]) -> Int {
        precondition(index.count == shape.count, "an index of \(index.count) axes into \(shape.count)")
        var offset = 0
        for (axis, position) in index.enumerated() {
            precondition(position >= 0 && position < shape[axis], "index \(index) outside of \(shape)")
            offset = offset * shape[axis] + position
        }
        return offset
    }

    /// The same elements under another shape of the same size.
    public func reshaped(to shape: [Int]) -> Volume { Volume(shape: shape, elements: elements) }

    public func map<Other>(_ transform: (Element) throws -> Other) rethrows -> Volume<Other> {
        Volume<Other>(shape: shape, elements: try elements.map(transform))
    }
}

extension Volume: Equatable where Element: Equatable {}
