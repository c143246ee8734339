/// What the way to the server costs in a round: the model comes, the update goes; where the new model is judged, it comes
/// once more.
struct RoundEstimate {
    let size: ModelSize
    /// Bytes per second.
    let uploadRate: Double
    let downloadRate: Double

    var finding: Finding.Result {
        let down = Double(size.down) / downloadRate
        let up = Double(size.up) / uploadRate
        let text =
            "\(size.text): \(Progress.duration(down + up)) of each round on the way, \(Progress.duration(down)) more where "
            + "it is judged"
        return down + up > 600
            ? .warn("\(text). A deadline must leave room for it; the filter half-precision halves the way up")
            : .pass(text)
    }
}
