#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a run did, line by line, each on the disk before the next step: the one word on what the files beside it mean.
public final class Journal {
    public enum Entry: Sendable, Equatable, Codable {
        /// The run's settings as text: a run goes on only with the same.
        case begins(settings: String)
        /// A round before the first is done at all sites.
        case prepared(String, leftOut: [String])
        /// The model before the first round, in this file; these sites could not describe themselves and stay out.
        case initialised(file: String, leftOut: [String])
        /// A round is done: its global model, the server optimizer's state, and what was found.
        case round(RoundReport, file: String, optimizer: String?, ofModality: [String: String])
        case ended
    }

    /// What was written before, in order.
    public private(set) var entries: [Entry] = []
    private let file: DurableFile
    private let encoder = JSONEncoder()

    /// Opens or begins a journal. A last line that was cut short is dropped: what it told of did not happen.
    public init(_ url: URL) throws {
        file = try DurableFile(url, flags: O_RDWR | O_CREAT | O_APPEND)
        encoder.nonConformingFloatEncodingStrategy = .nan
        encoder.outputFormatting = .sortedKeys
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .nan
        let data = (try? Data(contentsOf: url)) ?? Data()
        var whole = 0
        while let end = data[whole...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let entry = try? decoder.decode(Entry.self, from: data[whole..<end]) else { break }
            entries.append(entry)
            whole = end + 1
        }
        if data[whole...].contains(UInt8(ascii: "\n")) {
            throw FederationError.resume(
                "\(url.lastPathComponent), line \(entries.count + 1), is no entry of a journal. Was it edited, or written "
                    + "by another version? Begin a new run in another folder.")
        }
        if whole < data.count { try file.truncate(to: whole) }
    }

    /// Adds an entry; it is on the disk when this returns.
    public func append(_ entry: Entry) throws {
        var line = try encoder.encode(entry)
        line.append(UInt8(ascii: "\n"))
        try line.withUnsafeBytes { try file.write($0) }
        try file.reachDisk()
        entries.append(entry)
    }
}

extension JSONEncoder.NonConformingFloatEncodingStrategy {
    static var nan: Self { .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan") }
}

extension JSONDecoder.NonConformingFloatDecodingStrategy {
    static var nan: Self { .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan") }
}
