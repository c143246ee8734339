#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Numbers as people read them: "0.842", "48 MB", "3 min 20 s". What is not a number is a dash.
public enum Quantity {
    public static let none = "–"

    /// A number with a fixed count of decimals.
    public static func decimal(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return none }
        let scale = pow(10, Double(decimals))
        guard abs(value) * scale < 1e15 else { return "\(value)" }
        let scaled = Int((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        let digits = String(scaled % Int(scale))
        return sign + "\(scaled / Int(scale))." + String(repeating: "0", count: decimals - digits.count) + digits
    }

    /// "1 site", "20 sites".
    public static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// Bytes by thousands, with one decimal below ten.
    public static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB", "TB"] {
            if value < 999.5 || unit == "TB" {
                return decimal(value, unit != "B" && value < 9.95 ? 1 : 0) + " " + unit
            }
            value /= 1000
        }
        return none
    }

    /// A time with its two largest units.
    public static func seconds(_ value: Double) -> String {
        guard value.isFinite, value >= 0, value < 1e12 else { return none }
        if value == 0 { return "0 s" }
        if value < 0.05 { return "<0.1 s" }
        if value < 9.95 {
            let text = decimal(value, 1)
            return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + " s"
        }
        let whole = Int(value.rounded())
        if whole < 100 { return "\(whole) s" }
        if whole < 6000 { return "\(whole / 60) min \(padded(whole % 60)) s" }
        let minutes = Int((value / 60).rounded())
        if minutes < 2880 { return "\(minutes / 60) h \(padded(minutes % 60)) min" }
        return "\(minutes / 1440) d \(minutes % 1440 / 60) h"
    }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
