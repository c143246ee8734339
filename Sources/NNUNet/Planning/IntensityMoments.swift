/// Mean and spread of foreground intensities, every case weighing alike.
///
/// Two of different cases merge into the one of all of them: Chan, Golub and LeVeque 1979, STAN-CS-79-773.
public struct IntensityMoments: Codable, Sendable, Equatable {
    /// Cases that have foreground.
    public var cases: Int
    /// The mean of the cases' means.
    public var mean: Double
    /// The mean squared distance of a case's voxels from `mean`, summed over cases.
    public var squares: Double

    public init(cases: Int = 0, mean: Double = 0, squares: Double = 0) {
        self.cases = cases
        self.mean = mean
        self.squares = squares
    }

    /// The population's.
    public var standardDeviation: Double { cases == 0 ? 0 : (squares / Double(cases)).squareRoot() }

    public func merged(with other: IntensityMoments) -> IntensityMoments {
        if cases == 0 { return other }
        if other.cases == 0 { return self }
        let total = cases + other.cases
        let share = Double(other.cases) / Double(total)
        let difference = other.mean - mean
        return IntensityMoments(
            cases: total, mean: mean + difference * share,
            squares: squares + other.squares + difference * difference * share * Double(cases))
    }
}
