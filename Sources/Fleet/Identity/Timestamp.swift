/// A time as Flower's nodes write it: ISO 8601 in UTC, with microseconds or whole seconds.
struct Timestamp: Equatable {
    /// Microseconds since 1970.
    var microseconds: Int64

    init(microseconds: Int64) { self.microseconds = microseconds }

    /// As Python's `isoformat`.
    var text: String {
        let (day, rest) = (microseconds.floored(by: 86_400_000_000), microseconds.mod(86_400_000_000))
        let (year, month, date) = Self.civil(fromDays: day)
        let seconds = rest / 1_000_000
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let fraction = String(rest % 1_000_000)
        return
            "\(year)-\(two(month))-\(two(date))T\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
            + (fraction == "0" ? "" : "." + String(repeating: "0", count: 6 - fraction.utf8.count) + fraction)
            + "+00:00"
    }

    /// Nil for anything else than `yyyy-mm-ddThh:mm:ss[.ffffff]+00:00`, or `Z` at the end.
    init?(_ text: String) {
        var digits = Array(text.utf8)
        if text.hasSuffix("+00:00") {
            digits.removeLast(6)
        } else if text.hasSuffix("Z") {
            digits.removeLast()
        } else {
            return nil
        }
        guard digits.count == 19 || digits.count == 26 else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            guard digits[range].allSatisfy({ (48...57).contains($0) }) else { return nil }
            return digits[range].reduce(0) { $0 * 10 + Int64($1 - 48) }
        }
        for (position, sign) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
        where digits[position] != sign.utf8.first! {
            return nil
        }
        guard let year = number(0..<4), let month = number(5..<7), let date = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(date), hour < 24, minute < 60,
            second < 60
        else { return nil }
        var fraction: Int64 = 0
        if digits.count == 26 {
            guard digits[19] == UInt8(ascii: "."), let value = number(20..<26) else { return nil }
            fraction = value
        }
        let days = Self.days(year, month, date)
        guard Self.civil(fromDays: days) == (year, month, date) else { return nil }
        microseconds = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + fraction
    }

    /// Days since 1970 in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
    private static func days(_ year: Int64, _ month: Int64, _ date: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year.floored(by: 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, date: Int64) {
        let shifted = days + 719_468
        let era = shifted.floored(by: 146_097)
        let day = shifted - era * 146_097
        let yearOfEra = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }
}

extension Int64 {
    fileprivate func floored(by divisor: Int64) -> Int64 { (self - mod(divisor)) / divisor }
    fileprivate func mod(_ divisor: Int64) -> Int64 { (self % divisor + divisor) % divisor }
}
