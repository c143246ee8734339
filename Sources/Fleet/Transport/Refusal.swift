#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A refused call: the HTTP status, and what its caller is told.
public struct Refusal: Error, Sendable, Equatable, Codable {
    public var status: Int
    /// A number of the protocol for this kind of refusal; 0 where it has none.
    public var code: Int
    /// The fact and the remedy, for a person.
    public var detail: String

    public init(status: Int, code: Int = 0, detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    private enum CodingKeys: String, CodingKey { case code, detail }

    /// The body that Flower's nodes read: `{"code":…,"detail":…}`.
    var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map(Array.init) ?? []
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = 0
        code = try container.decodeIfPresent(Int.self, forKey: .code) ?? 0
        detail = try container.decode(String.self, forKey: .detail)
    }

    /// What a server said of a refusal, cut to a length that a log bears; nil where it speaks otherwise.
    init?(status: Int, json: [UInt8]) {
        guard var refusal = try? JSONDecoder().decode(Refusal.self, from: Data(json)) else { return nil }
        refusal.status = status
        refusal.detail = printable(refusal.detail, upTo: 1000)
        self = refusal
    }
}

/// Text from outside as a log may hold it: one line, no control characters, bounded.
func printable(_ text: String, upTo limit: Int) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(limit) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: result += "·"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return text.unicodeScalars.count > limit ? result + "…" : result
}
