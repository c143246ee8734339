#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How the learning rate falls over the epochs. It is set at the start of each epoch.
public enum LearningRateSchedule: Sendable, Equatable {
    /// `initial · (1 − epoch / epochs)^exponent`, nnU-Net's own with an exponent of 0.9.
    case polynomial(exponent: Double = 0.9)
    /// Half a cosine down to zero.
    case cosine
    /// Linear rise over `warmUp` epochs, then the polynomial over those that are left.
    case warmUp(epochs: Int, exponent: Double = 0.9)

    /// The learning rate of an epoch, counted from 0.
    public func learningRate(epoch: Int, of epochs: Int, initial: Double) -> Double {
        switch self {
        case .polynomial(let exponent):
            return initial * pow(max(0, 1 - Double(epoch) / Double(max(1, epochs))), exponent)
        case .cosine:
            return initial * (1 + cos(.pi * Double(epoch) / Double(max(1, epochs)))) / 2
        case .warmUp(let warmUp, let exponent):
            if epoch < warmUp { return initial / Double(warmUp) * Double(1 + epoch) }
            let share = Double(epoch - warmUp) / Double(max(1, epochs - warmUp))
            return initial * pow(max(0, 1 - share), exponent)
        }
    }
}
