/// What can go wrong in training and prediction, with the fact and the remedy.
public enum LearningError: Error, CustomStringConvertible, Sendable, Equatable {
    case unknownTrainer(String, known: [String])
    case unknownConfiguration(String, known: [String])
    case patchDoesNotFit(patch: [Int], image: [Int])
    case stepSizeOutOfRange(Double)
    case invalidSetting(name: String, value: String, rule: String)
    case lossNotFinite(loss: String, epoch: Int, iteration: Int, precision: String)
    case predictionNotFinite(identifier: String)
    case noCheckpoint(folder: String, wanted: String)
    case foreignCheckpoint(file: String, fact: String)
    case noCases(folder: String)
    case unreadable(file: String, fact: String)
    case casesOfTheSplitAreMissing(count: Int, example: String)
    case notSupported(what: String, remedy: String)
    case cancelled

    public var description: String {
        switch self {
        case .unknownTrainer(let name, let known):
            "there is no trainer \"\(name)\" here; known are \(known.joined(separator: ", ")). "
                + "Other changes can be made by options (--epochs, --initial-lr, --batch-size, …)."
        case .unknownConfiguration(let name, let known):
            "the plans have no configuration \"\(name)\"; they have \(known.joined(separator: ", "))."
        case .patchDoesNotFit(let patch, let image):
            "a patch of \(patch) cannot slide over an image of \(image); the image must have as many axes as the patch, "
                + "or one more. Was it preprocessed for another configuration?"
        case .stepSizeOutOfRange(let step):
            "a step size of \(step) is outside of (0, 1]; 0.5 is nnU-Net's."
        case .invalidSetting(let name, let value, let rule):
            "\(name) is \(value), but \(rule)."
        case .lossNotFinite(let loss, let epoch, let iteration, let precision):
            "the loss became \(loss) in epoch \(epoch), iteration \(iteration) (\(precision)). The checkpoints are those of "
                + "earlier epochs. Try a smaller --initial-lr, or --precision fp32; if it happens at once, look for NaN in "
                + "the preprocessed data."
        case .predictionNotFinite(let identifier):
            "the network's output for \(identifier) is not finite. Try --precision fp32; if that does not help, the "
                + "checkpoint or the image holds NaN."
        case .noCheckpoint(let folder, let wanted):
            "\(folder) has no \(wanted). Train this fold first, or name another checkpoint with -chk."
        case .foreignCheckpoint(let file, let fact):
            "\(file) does not belong to this network: \(fact). Take the checkpoint that was trained with these plans."
        case .noCases(let folder):
            "there are no cases in \(folder). Files must be named CASE_0000 (one per channel) with the dataset's ending."
        case .unreadable(let file, let fact):
            "\(file) cannot be used: \(fact)."
        case .casesOfTheSplitAreMissing(let count, let example):
            "\(count) cases of splits_final.json are not among the preprocessed cases, such as \(example). Preprocess this "
                + "configuration again, or correct the split."
        case .notSupported(let what, let remedy):
            "\(what) is not supported; \(remedy)."
        case .cancelled:
            "stopped on request; continue with --c."
        }
    }
}
