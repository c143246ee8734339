import Foundation

/// What was measured, by name: seconds, gigabytes per second, megabytes.
struct Figures {
    private var values: [(name: String, value: Double)] = []

    mutating func add(_ name: String, _ value: Double) { values.append((name, value)) }

    /// Prints a line for each, or all of them as one JSON object.
    func show(json: Bool) {
        if json {
            print("{" + values.map { "\"\($0.name)\": \($0.value)" }.joined(separator: ", ") + "}")
        } else {
            for (name, value) in values {
                print(name.padding(toLength: 36, withPad: " ", startingAt: 0), String(format: "%.4f", value))
            }
        }
    }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func seconds(_ body: () throws -> Void) rethrows -> Double { try ContinuousClock().measure(body) / .seconds(1) }

/// The memory of this process, as Linux counts it, in MB of 10⁶ bytes.
enum Memory {
    static var now: Double { field("VmRSS:") }
    static var peak: Double { field("VmHWM:") }

    /// The peak counts from here on.
    static func forgetPeak() { try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8) }

    private static func field(_ name: String) -> Double {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        let words = line?.split(whereSeparator: \.isWhitespace) ?? []
        return words.count > 1 ? (Double(words[1]) ?? .nan) * 1024 / 1e6 : .nan
    }
}
