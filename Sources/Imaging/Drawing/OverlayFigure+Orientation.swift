extension MedicalImage {
    /// Which of the axes (z, y, x) run the other way than a viewer shows them: head up, front up, the patient's left on the
    /// right.
    public var flippedForViewing: [Bool] {
        /// Signs of the main directions along x, y and z, in the world of ITK: left, back, head.
        let signs: [Double]
        switch geometry {
        case .simpleITK(let spacing, _, let direction), .simpleITKReoriented(let spacing, _, let direction, _):
            let rank = spacing.count
            guard rank >= 3, direction.count == rank * rank else { return [false, false, false] }
            signs = (0..<3).map { direction[$0 * rank + $0] }
        case .nibabel(let affine, let reoriented):
            let matrix = reoriented ?? affine
            guard matrix.count == 16 else { return [false, false, false] }
            signs = [-matrix[0], -matrix[5], matrix[10]]
        case .none: return [false, false, false]
        }
        return [signs[2] > 0, signs[1] < 0, signs[0] < 0]
    }
}
