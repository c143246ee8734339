#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Which cases train and which validate: a number of nnU-Net's cross-validation, or everything for both.
public enum Fold: Sendable, Equatable, CustomStringConvertible {
    case number(Int)
    case all

    public init(_ text: String) throws {
        if text == "all" {
            self = .all
        } else if let number = Int(text), number >= 0 {
            self = .number(number)
        } else {
            throw NNUNetError.plan("Fold \"\(text)\" is neither a number from 0 on nor \"all\".")
        }
    }

    public var description: String {
        switch self {
        case .number(let number): String(number)
        case .all: "all"
        }
    }

    public var folderName: String { "fold_\(self)" }
}

/// One division of the cases.
public struct Split: Sendable, Equatable {
    public var train: [String]
    public var validation: [String]

    public init(train: [String], validation: [String]) {
        self.train = train
        self.validation = validation
    }
}

/// The divisions of a dataset, as `splits_final.json` holds them.
public struct Splits: Sendable, Equatable {
    public var folds: [Split]

    public init(folds: [Split]) { self.folds = folds }

    /// nnU-Net's five folds, as scikit-learn's `KFold(5, shuffle=True, random_state=12345)` makes them of sorted cases.
    public init(fiveFoldsOf identifiers: [String]) throws {
        let cases = identifiers.sorted()
        guard cases.count >= 5 else {
            throw NNUNetError.plan(
                "A cross-validation needs at least 5 cases, not \(cases.count). Train with fold \"all\", or write splits_final.json."
            )
        }
        var random = LegacyRandomState(seed: 12345)
        let order = random.permutation(cases.count)
        var start = 0
        folds = (0..<5).map { fold in
            let size = cases.count / 5 + (fold < cases.count % 5 ? 1 : 0)
            defer { start += size }
            let validation = Set(order[start..<start + size])
            return Split(
                train: cases.indices.filter { !validation.contains($0) }.map { cases[$0] },
                validation: validation.sorted().map { cases[$0] })
        }
    }

    public init(contentsOf url: URL) throws {
        guard let data = try? Data(contentsOf: url) else { throw NNUNetError.file(url.path, reason: "cannot be read") }
        let name = url.lastPathComponent
        guard let items = try JSONValue(parsing: Array(data), file: name).array else {
            throw NNUNetError.json(file: name, line: 1, column: 1, reason: "a list of folds is expected")
        }
        folds = try items.map { item in
            guard let object = item.object else {
                throw NNUNetError.json(file: name, line: 1, column: 1, reason: "a fold must be an object")
            }
            let reader = JSONReader(object, file: name)
            return Split(train: try reader.strings("train"), validation: try reader.strings("val"))
        }
    }

    public func write(to url: URL) throws {
        let value = JSONValue.array(
            folds.map { fold in
                .object(
                    JSONObject([
                        ("train", .array(fold.train.map(JSONValue.string))),
                        ("val", .array(fold.validation.map(JSONValue.string))),
                    ]))
            })
        try value.write(to: url)
    }

    /// The division of a fold. Numbers beyond the list are random halves of 80 and 20 percent, as in nnU-Net.
    public func split(_ fold: Fold, of identifiers: [String]) -> Split {
        let cases = identifiers.sorted()
        guard case .number(let number) = fold else { return Split(train: cases, validation: cases) }
        if number < folds.count { return folds[number] }
        var random = LegacyRandomState(seed: 12345 &+ UInt32(truncatingIfNeeded: number))
        let train = random.sample(Int(Double(cases.count) * 0.8), of: cases.count)
        let chosen = Set(train)
        return Split(
            train: train.map { cases[$0] }, validation: cases.indices.filter { !chosen.contains($0) }.map { cases[$0] })
    }
}
