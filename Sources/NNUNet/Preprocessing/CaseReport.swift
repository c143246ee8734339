/// What a stage made of one case, for who wants to watch.
public struct CaseReport: Sendable, CustomStringConvertible {
    public var identifier: String
    /// Spatial shapes, one after the other: as read, cropped, and so on.
    public var shapes: [[Int]]

    public var description: String {
        identifier + ": " + shapes.map { $0.map(String.init).joined(separator: "×") }.joined(separator: " → ")
    }
}
