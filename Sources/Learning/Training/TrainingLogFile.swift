import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The text log of one training, `training_log_YEAR_MONTH_DAY_HOUR_MINUTE_SECOND.txt`, in nnU-Net's wording, so that what
/// reads nnU-Net's logs reads these.
public final class TrainingLogFile: Sendable {
    public let file: URL
    private let console: @Sendable (String) -> Void
    private let lock = Mutex(())

    /// - Parameters:
    ///   - folder: the fold's folder; must exist.
    ///   - console: takes every line too, without its newline.
    public init(folder: URL, console: @escaping @Sendable (String) -> Void = { print($0) }) {
        let now = LocalTime(secondsSince1970())
        file = folder.appending(
            path: "training_log_\(now.year)_\(now.month)_\(now.day)_"
                + "\(padded(now.hour, 2))_\(padded(now.minute, 2))_\(padded(now.second, 2)).txt")
        self.console = console
    }

    /// Appends a line. A log that cannot be written does not end a training: the console still has it.
    public func write(_ text: String, timestamp: Bool = true) {
        let line = timestamp ? "\(LocalTime(secondsSince1970()).stamp): \(text)" : text
        console(line)
        lock.withLock { _ in
            guard let stream = fopen(file.path, "a") else { return }
            fputs(line + " \n", stream)
            fclose(stream)
        }
    }

    public func epochBegins(_ epoch: Int, learningRate: Double) {
        write("")
        write("Epoch \(epoch)")
        write("Current learning rate: \(rounded(learningRate, 5))")
    }

    public func epochEnds(_ record: EpochRecord, newBest: Double?) {
        write("train_loss \(rounded(record.trainingLoss, 4))")
        let isValidated = !record.validationLoss.isNaN || record.dice.contains { !$0.isNaN }
        if isValidated {
            write("val_loss \(rounded(record.validationLoss, 4))")
            write("Pseudo dice [\(record.dice.map { rounded($0, 4) }.joined(separator: ", "))]")
        }
        write("Epoch time: \(rounded(record.end - record.start, 2)) s")
        if let newBest { write("Yayy! New best EMA pseudo Dice: \(rounded(newBest, 4))") }
    }
}

/// A number to some decimals, written as NumPy writes it.
func rounded(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let scale = pow(10, Double(decimals))
    return "\((value * scale).rounded(.toNearestOrEven) / scale)"
}

private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

/// A moment as the clock on the wall shows it.
struct LocalTime {
    let year, month, day, hour, minute, second, microsecond: Int

    init(_ secondsSince1970: Double) {
        var seconds = time_t(secondsSince1970.rounded(.down))
        var parts = tm()
        localtime_r(&seconds, &parts)
        year = Int(parts.tm_year) + 1900
        month = Int(parts.tm_mon) + 1
        day = Int(parts.tm_mday)
        hour = Int(parts.tm_hour)
        minute = Int(parts.tm_min)
        second = Int(parts.tm_sec)
        microsecond = min(999_999, Int((secondsSince1970 - secondsSince1970.rounded(.down)) * 1e6))
    }

    /// Such as `2026-11-21 02:31:08.487152`.
    var stamp: String {
        "\(year)-\(padded(month, 2))-\(padded(day, 2)) \(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
            + ".\(padded(microsecond, 6))"
    }
}
