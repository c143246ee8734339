import Federation

extension ServerOptimizer: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("none", .replace),
        .word(
            "fedavgm", example: "{learning_rate: 1, momentum: 0.9}",
            make: { (settings: Momentum) in .momentum(learningRate: settings.learningRate, momentum: settings.momentum)
            },
            value: {
                guard case .momentum(let learningRate, let momentum) = $0 else { return nil }
                return Momentum(learningRate: learningRate, momentum: momentum)
            }),
        .word(
            "fedadam", example: "{learning_rate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.001}",
            make: { (s: Adam) in .adam(learningRate: s.learningRate, beta1: s.beta1, beta2: s.beta2, tau: s.tau) },
            value: {
                guard case .adam(let learningRate, let beta1, let beta2, let tau) = $0 else { return nil }
                return Adam(learningRate: learningRate, beta1: beta1, beta2: beta2, tau: tau)
            }),
        .word(
            "fedyogi", example: "{learning_rate: 0.01, beta1: 0.9, beta2: 0.99, tau: 0.001}",
            make: { (s: Yogi) in .yogi(learningRate: s.learningRate, beta1: s.beta1, beta2: s.beta2, tau: s.tau) },
            value: {
                guard case .yogi(let learningRate, let beta1, let beta2, let tau) = $0 else { return nil }
                return Yogi(learningRate: learningRate, beta1: beta1, beta2: beta2, tau: tau)
            }),
        .word(
            "fedadagrad", example: "{learning_rate: 0.1, beta1: 0, tau: 0.001}",
            make: { (s: Adagrad) in .adagrad(learningRate: s.learningRate, beta1: s.beta1, tau: s.tau) },
            value: {
                guard case .adagrad(let learningRate, let beta1, let tau) = $0 else { return nil }
                return Adagrad(learningRate: learningRate, beta1: beta1, tau: tau)
            }),
    ]
}

// The defaults are those of `ServerOptimizer`.

private struct Momentum: YAMLSection {
    var learningRate = 1.0
    var momentum = 0.9

    static let keys: [YAMLKey<Self>] = [
        YAMLKey("learning_rate", \.learningRate, .above(0)), YAMLKey("momentum", \.momentum, .zeroToBelowOne),
    ]
}

/// What FedAdam and FedYogi have in common; they differ in their defaults.
private protocol AdaptiveMoments: YAMLSection {
    var learningRate: Double { get set }
    var beta1: Double { get set }
    var beta2: Double { get set }
    var tau: Double { get set }
}

extension AdaptiveMoments {
    static var keys: [YAMLKey<Self>] {
        [
            YAMLKey("learning_rate", \.learningRate, .above(0)), YAMLKey("beta1", \.beta1, .zeroToBelowOne),
            YAMLKey("beta2", \.beta2, .zeroToBelowOne), YAMLKey("tau", \.tau, .above(0)),
        ]
    }
}

private struct Adam: AdaptiveMoments {
    var learningRate = 0.1
    var beta1 = 0.9
    var beta2 = 0.99
    var tau = 1e-3
}

private struct Yogi: AdaptiveMoments {
    var learningRate = 0.01
    var beta1 = 0.9
    var beta2 = 0.99
    var tau = 1e-3
}

private struct Adagrad: YAMLSection {
    var learningRate = 0.1
    var beta1 = 0.0
    var tau = 1e-3

    static let keys: [YAMLKey<Self>] = [
        YAMLKey("learning_rate", \.learningRate, .above(0)), YAMLKey("beta1", \.beta1, .zeroToBelowOne),
        YAMLKey("tau", \.tau, .above(0)),
    ]
}
