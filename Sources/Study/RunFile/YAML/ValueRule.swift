/// What a value must be beyond its type, and how to say so.
struct ValueRule<Value>: Sendable {
    /// What to write, such as "1 or more".
    var text: String
    var holds: @Sendable (Value) -> Bool

    init(_ text: String, _ holds: @escaping @Sendable (Value) -> Bool) {
        self.text = text
        self.holds = holds
    }
}

extension ValueRule where Value: YAMLScalar & Comparable {
    static func atLeast(_ least: Value) -> Self { Self("\(least.scalar) or more") { $0 >= least } }

    static func above(_ limit: Value) -> Self { Self("a number above \(limit.scalar)") { $0 > limit } }

    static func within(_ range: ClosedRange<Value>) -> Self {
        Self("\(range.lowerBound.scalar) to \(range.upperBound.scalar)") { range.contains($0) }
    }
}

extension ValueRule where Value == Double {
    /// Such as a momentum.
    static var zeroToBelowOne: Self { Self("a number from 0 to below 1") { $0 >= 0 && $0 < 1 } }

    /// Such as a share of the sites.
    static var aboveZeroToOne: Self { Self("a number above 0, up to 1") { $0 > 0 && $0 <= 1 } }
}

extension ValueRule where Value == [Double] {
    static var spacing: Self {
        Self("three numbers above 0 (z y x), such as [1, 1, 1]") { $0.count == 3 && $0.allSatisfy { $0 > 0 } }
    }
}

extension ValueRule where Value == String {
    static var notEmpty: Self { Self("a text that is not empty") { !$0.isEmpty } }

    static var fileName: Self { Self("a name, which is no path") { $0.isFileName } }
}
