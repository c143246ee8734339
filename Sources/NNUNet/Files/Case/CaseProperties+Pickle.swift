#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Imaging

/// nnU-Net's `.pkl` beside a preprocessed case: a dictionary under nnU-Net's keys.
extension CaseProperties {
    /// Reads a `.pkl`.
    /// - Throws: `FileError`, also where a key is missing or holds something else.
    public init(contentsOf url: URL) throws {
        let file = try RandomAccessFile(url)
        let value = try Unpickler.value(of: try file.bytes(at: 0, count: file.count), file: file.path)
        try self.init(pickle: value, file: file.path)
    }

    /// Writes a `.pkl` in protocol 4, as nnU-Net does.
    public func write(to url: URL) throws {
        try AtomicFile.write(try Pickler.bytes(of: pickleValue, protocol: .four), to: url)
    }

    public init(pickle: PickleValue, file: String) throws {
        func fail(_ fact: String) -> FileError { .unexpectedContent(file: file, fact: fact) }
        func required<T>(_ value: T?, _ key: String) throws -> T {
            guard let value else { throw fail("the property \(key) is missing or of another type") }
            return value
        }
        guard let root = pickle.asDictionary else { throw fail("it is not a dictionary of a case's properties") }
        func sizes(_ key: String) throws -> [Int] {
            let sizes = try required(root[key]?.asIntegers, key)
            guard sizes.allSatisfy({ $0 >= 0 }) else { throw fail("\(key) has a negative size") }
            return sizes
        }
        let shape = try sizes("shape_before_cropping")
        let bounds = try required(root["bbox_used_for_cropping"]?.asSequence, "bbox_used_for_cropping")
        var box: [Range<Int>] = []
        for bound in bounds {
            guard let ends = bound.asIntegers, ends.count == 2, ends[0] >= 0, ends[0] <= ends[1] else {
                throw fail("bbox_used_for_cropping is not a list of begin and end per axis")
            }
            box.append(ends[0]..<ends[1])
        }
        let cropped = try sizes("shape_after_cropping_and_before_resampling")
        guard box.count == shape.count, cropped.count == shape.count,
            zip(box, shape).allSatisfy({ $0.upperBound <= $1 }), zip(box, cropped).allSatisfy({ $0.count == $1 })
        else { throw fail("the box \(bounds.count) axes does not fit the shapes before and after cropping") }
        var locations: [ClassLocations] = []
        if let classes = root["class_locations"], classes != .none {
            let classes = try required(classes.asDictionary, "class_locations")
            for pair in classes.pairs {
                locations.append(try ClassLocations(key: pair.key, rows: pair.value, file: file))
            }
        }
        self.init(
            geometry: try ImageGeometry(pickle: root, file: file),
            spacing: try required(root["spacing"]?.asNumbers, "spacing"), shapeBeforeCropping: shape, cropBox: box,
            shapeAfterCroppingBeforeResampling: cropped, classLocations: locations)
    }

    /// The dictionary that nnU-Net would keep: the reader's keys, spacing, geometry of the crop, class locations.
    public var pickleValue: PickleValue {
        var pairs = geometry.picklePairs
        pairs += [
            ("spacing", pickledSpacing),
            ("shape_before_cropping", .tuple(shapeBeforeCropping.map { .integer($0) })),
            (
                "bbox_used_for_cropping",
                .list(cropBox.map { .list([.integer($0.lowerBound), .integer($0.upperBound)]) })
            ),
            (
                "shape_after_cropping_and_before_resampling",
                .tuple(shapeAfterCroppingBeforeResampling.map { .integer($0) })
            ),
            ("class_locations", .dictionary(PickleDictionary(classLocations.map { ($0.pickleKey, $0.pickleRows) }))),
        ]
        return .dictionary(pairs)
    }

    /// nnU-Net's SimpleITK readers take the spacing from a NumPy array, the others from Python's numbers.
    private var pickledSpacing: PickleValue {
        switch geometry {
        case .simpleITK, .simpleITKReoriented: .list(spacing.map { .float64($0) })
        case .nibabel: .list(spacing.map { .number($0) })
        case .none: .tuple(spacing.map { .number($0) })
        }
    }
}

extension ClassLocations {
    /// One entry of `class_locations`: a label or a tuple of labels, and an (n, 4) array or an empty list.
    init(key: PickleValue, rows: PickleValue, file: String) throws {
        if let label = key.asInteger {
            labels = [label]
            isRegion = false
        } else if let region = key.asIntegers {
            labels = region
            isRegion = true
        } else {
            throw FileError.unexpectedContent(
                file: file, fact: "a key of class_locations is neither a label nor a region")
        }
        if case .list(let rows) = rows, rows.isEmpty {
            coordinates = []
            return
        }
        guard case .array(let array) = rows, array.shape.count == 2, array.shape[1] == 4 || array.shape[0] == 0,
            let integers = array.integers()
        else {
            throw FileError.unexpectedContent(
                file: file, fact: "the class locations of \(labels) are not rows of 4 integers")
        }
        guard integers.allSatisfy({ 0...Int(Int32.max) ~= $0 }) else {
            throw FileError.unexpectedContent(
                file: file, fact: "a class location of \(labels) lies outside of any image")
        }
        coordinates = integers.map { Int32($0) }
    }

    var pickleKey: PickleValue {
        isRegion ? .tuple(labels.map { .integer($0) }) : .integer(labels.first ?? 0)
    }

    var pickleRows: PickleValue {
        if coordinates.isEmpty { return .list([]) }
        return .array(NumericArray(coordinates.map { Int64($0) }, shape: [coordinates.count / 4, 4]))
    }
}
