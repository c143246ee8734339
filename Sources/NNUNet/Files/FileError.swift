/// What is wrong with a file that Cohort reads or writes. Each description names the file, the fact and the remedy.
public enum FileError: Error, CustomStringConvertible, Sendable, Equatable {
    case cannotRead(file: String, reason: String)
    case cannotWrite(file: String, reason: String)
    /// The content breaks the rules of its format: cut short, damaged, or not what its name says.
    case malformed(file: String, fact: String)
    /// Well-formed, and of a kind that Cohort does not take.
    case unsupported(file: String, fact: String)
    /// A pickle that asks for code which is not on the list of those that only carry data.
    case forbiddenGlobal(file: String, name: String)
    /// A value that is absent or of another type than the format's.
    case unexpectedContent(file: String, fact: String)

    public var description: String {
        switch self {
        case .cannotRead(let file, let reason):
            "\(file) cannot be read: \(reason). Check the path and its permissions."
        case .cannotWrite(let file, let reason):
            "\(file) cannot be written: \(reason). Check the free space and the folder's permissions; nothing is left behind."
        case .malformed(let file, let fact):
            "\(file) is damaged or not what its name says: \(fact). Copy or make it again."
        case .unsupported(let file, let fact):
            "\(file) cannot be used: \(fact)."
        case .forbiddenGlobal(let file, let name):
            "\(file) asks for the Python object \(name), which Cohort does not run or rebuild. Only data (numbers, text, "
                + "arrays, tensors) is read; save the file again without that object."
        case .unexpectedContent(let file, let fact):
            "\(file) does not hold what it should: \(fact). Make it again with nnU-Net or Cohort."
        }
    }
}
