/// What steps of DP-SGD cost by each accountant, as `cohort privacy epsilon` prints it.
public struct EpsilonReport: Sendable, CustomStringConvertible {
    public let renyi: Double
    public let lossDistribution: Double

    /// - Throws: `PrivacyError.setting`.
    public init(samplingRate: Double, noiseMultiplier: Double, steps: Int, delta: Double) throws {
        try AnalyticGaussian.check(delta: delta)
        let event = try PrivacyEvent.sampledGaussian(rate: samplingRate, noiseMultiplier: noiseMultiplier)
            .composed(steps)
        renyi = Accountant.renyi.epsilon(of: [event], at: delta)
        lossDistribution = Accountant.lossDistribution.epsilon(of: [event], at: delta)
    }

    /// Two lines: `Rényi: …` and `PLD: …`.
    public var description: String {
        "\(RenyiAccountant.name): \(shown(renyi))\n\(PrivacyLossAccountant.name): \(shown(lossDistribution))"
    }
}

/// A number for people: so many digits, all of those before the point, and no exponent from 0.0001 on.
func shown(_ value: Double, digits: Int = 6) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : value > 0 ? "∞" : "\(value)" }
    var scale = 1.0
    var exponent = 0
    while abs(value) / scale >= 10 {
        scale *= 10
        exponent += 1
    }
    while abs(value) / scale < 1 {
        scale /= 10
        exponent -= 1
    }
    if exponent >= 15 || exponent < -4 { return "\(value)" }
    if exponent >= digits { return "\(Int(value.rounded()))" }
    var unit = 1.0
    for _ in 0..<max(0, digits - 1 - exponent) { unit *= 10 }
    let text = "\((value * unit).rounded() / unit)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
