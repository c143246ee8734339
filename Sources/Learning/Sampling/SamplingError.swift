/// What can be wrong with the cases that patches are taken from, with the fact and the remedy.
public enum SamplingError: Error, CustomStringConvertible, Sendable, Equatable {
    case noCases
    case caseHasNoLabel(identifier: String)
    case shapesDiffer(identifier: String, data: [Int], labels: [Int])
    case channelsDiffer(identifier: String, channels: Int, others: Int)
    case cancelled

    public var description: String {
        switch self {
        case .noCases:
            "there is no case to take patches from. Is the split empty, or was this configuration not preprocessed?"
        case .caseHasNoLabel(let identifier):
            "case \(identifier) has no label, so it cannot be trained on. Preprocess it together with its label."
        case .shapesDiffer(let identifier, let data, let labels):
            "case \(identifier): the image has shape \(data) and the label \(labels), which should be (channel, z, y, x) and "
                + "(1, z, y, x) of the same grid. Preprocess it again."
        case .channelsDiffer(let identifier, let channels, let others):
            "case \(identifier) has \(channels) channels, and the others have \(others). Preprocess it again."
        case .cancelled:
            "the making of batches was stopped."
        }
    }
}
