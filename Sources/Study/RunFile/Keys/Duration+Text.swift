extension Duration: YAMLScalar {
    static var form: String { "a time, such as 90 s, 30 min or 2 h" }

    /// Seconds, or a number with s, min or h.
    init?(scalar: String) {
        let number = scalar.prefix { !$0.isLetter && $0 != " " }
        let unit = scalar[number.endIndex...].drop { $0 == " " }
        let seconds: Double? =
            switch unit {
            case "", "s": 1
            case "min": 60
            case "h": 3600
            default: nil
            }
        guard let seconds, let value = Double(scalar: String(number)), (value * seconds).magnitude < 1e12 else {
            return nil
        }
        self = .seconds(value * seconds)
    }

    var scalar: String {
        let seconds = self / .seconds(1)
        for (unit, length) in [("h", 3600.0), ("min", 60)]
        where seconds != 0 && seconds.remainder(dividingBy: length) == 0 {
            return (seconds / length).scalar + " " + unit
        }
        return seconds.scalar + " s"
    }
}
