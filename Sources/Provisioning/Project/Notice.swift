/// Something in a file that was read in another way than it stands there, or not at all: the fact, and what was done.
public struct Notice: Sendable, Equatable, CustomStringConvertible {
    /// Where in the file; nil for the file as a whole.
    public var line: Int?
    public var text: String

    public var description: String { (line.map { "line \($0): " } ?? "") + text }
}
