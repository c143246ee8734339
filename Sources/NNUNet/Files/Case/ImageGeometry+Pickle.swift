import Imaging

/// The readers' own keys in a case's properties.
extension ImageGeometry {
    init(pickle root: PickleDictionary, file: String) throws {
        func fail(_ fact: String) -> FileError { .unexpectedContent(file: file, fact: fact) }
        if let stuff = root["sitk_stuff"]?.asDictionary {
            guard let spacing = stuff["spacing"]?.asNumbers, let origin = stuff["origin"]?.asNumbers,
                let direction = stuff["direction"]?.asNumbers, (2...4).contains(spacing.count),
                origin.count == spacing.count, direction.count == spacing.count * spacing.count
            else { throw fail("sitk_stuff lacks a spacing, an origin or a direction of fitting lengths") }
            if let orientation = stuff["original_orientation"]?.asString {
                self = .simpleITKReoriented(
                    spacing: spacing, origin: origin, direction: direction, originalOrientation: orientation)
            } else {
                self = .simpleITK(spacing: spacing, origin: origin, direction: direction)
            }
        } else if let stuff = root["nibabel_stuff"]?.asDictionary {
            guard let affine = stuff["original_affine"]?.asNumbers, affine.count == 16 else {
                throw fail("nibabel_stuff lacks a 4×4 original_affine")
            }
            let reoriented = stuff["reoriented_affine"]?.asNumbers
            guard (reoriented?.count ?? 16) == 16 else { throw fail("reoriented_affine is not 4×4") }
            self = .nibabel(affine: affine, reoriented: reoriented)
        } else {
            self = .none
        }
    }

    var picklePairs: [(String, PickleValue)] {
        func tuple(_ values: [Double]) -> PickleValue { .tuple(values.map { .number($0) }) }
        func matrix(_ values: [Double]) -> PickleValue { .array(NumericArray(values, shape: [4, 4])) }
        switch self {
        case .simpleITK(let spacing, let origin, let direction):
            let stuff = [("spacing", tuple(spacing)), ("origin", tuple(origin)), ("direction", tuple(direction))]
            return [("sitk_stuff", .dictionary(stuff))]
        case .simpleITKReoriented(let spacing, let origin, let direction, let orientation):
            let stuff = [
                ("spacing", tuple(spacing)), ("origin", tuple(origin)), ("direction", tuple(direction)),
                ("original_orientation", .string(orientation)),
            ]
            return [("sitk_stuff", .dictionary(stuff))]
        case .nibabel(let affine, let reoriented):
            var stuff = [("original_affine", matrix(affine))]
            if let reoriented { stuff.append(("reoriented_affine", matrix(reoriented))) }
            return [("nibabel_stuff", .dictionary(stuff))]
        case .none: return []
        }
    }
}
