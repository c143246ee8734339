/// Noise that values are given, each its own.
protocol AdditiveNoise: Sendable {
    /// Values that are no numbers stay so.
    mutating func add(to values: UnsafeMutableBufferPointer<Float>)
}
