#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Event files for TensorBoard: one run "global" and one per site, a folder each.
///
/// A site's values stand under `dice/hospital_a`, those of the global model under `dice/global`. Under `all/dice` every
/// run has them once more, since TensorBoard lays the curves of several runs over each other where the tags are equal.
public struct TensorBoardWriter: Sendable {
    public let folder: URL
    private let fileName: String
    private let redoneRound: Int?

    /// - Parameters:
    ///   - round: where a resumed run begins; TensorBoard drops what older files say of this round and later ones.
    ///   - time: when the run began. It stands in the files' names; the machine's name does not.
    public init(folder: URL, redoingFrom round: Int? = nil, time: Date = Date()) throws {
        self.folder = folder
        redoneRound = round
        var name = "events.out.tfevents.\(Int(time.timeIntervalSince1970)).cohort"
        let global = folder.appending(path: "global")
        while FileManager.default.fileExists(atPath: global.appending(path: name).path) { name += ".again" }
        fileName = name
        try makeFolder(global)
    }

    public func append(_ record: RoundRecord, time: Date = Date()) throws {
        let seconds = time.timeIntervalSince1970
        try append(Self.scalars(of: record), run: "global", step: record.round, seconds)
        for site in record.sites where site.tookPart {
            let run = Self.run(ofSite: site.name)
            try append(Self.scalars(of: site, run: run), run: run, step: record.round, seconds)
        }
    }

    private func append(_ scalars: [(tag: String, value: Double)], run: String, step: Int, _ time: Double) throws {
        guard !scalars.isEmpty else { return }
        let url = folder.appending(path: run).appending(path: fileName)
        var bytes: [UInt8] = []
        if !FileManager.default.fileExists(atPath: url.path) {
            try makeFolder(url.deletingLastPathComponent())
            bytes = TensorBoardEvent(time: time, step: 0, content: .fileVersion).bytes
            if let redoneRound {
                bytes += TensorBoardEvent(time: time, step: redoneRound, content: .sessionStart).bytes
            }
        }
        bytes += TensorBoardEvent(time: time, step: step, content: .scalars(scalars)).bytes
        try AppendedFile(url: url).append(bytes)
    }

    private func makeFolder(_ url: URL) throws {
        do { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) } catch {
            throw StudyError.file(
                url.lastPathComponent, reason: "the folder cannot be made. Is the one above it missing or read-only?")
        }
    }

    static func scalars(of record: RoundRecord) -> [(tag: String, value: Double)] {
        var scalars = metrics(record.globalMetrics, owner: "global")
        scalars += RoundRecord.phases(in: [record]).map { ("seconds/\($0)", record.seconds[$0] ?? .nan) }
        scalars += [("bytes/down", Double(record.bytesDown)), ("bytes/up", Double(record.bytesUp))]
        return scalars + [("sites/took_part", Double(record.sites.count(where: \.tookPart)))]
    }

    static func scalars(of site: SiteRecord, run: String) -> [(tag: String, value: Double)] {
        metrics(site.metrics, owner: run) + [
            ("seconds/\(run)", site.seconds), ("steps/\(run)", Double(site.steps)),
            ("bytes_received/\(run)", Double(site.bytesReceived)), ("bytes_sent/\(run)", Double(site.bytesSent)),
        ]
    }

    private static func metrics(_ metrics: [String: Double], owner: String) -> [(tag: String, value: Double)] {
        metrics.sorted { $0.key < $1.key }.flatMap { [("\($0.key)/\(owner)", $0.value), ("all/\($0.key)", $0.value)] }
    }

    /// A site's name as that of a folder: what a folder's name cannot hold is written as %2F is in addresses, and so
    /// is the first letter of a site called "global".
    package static func run(ofSite name: String) -> String {
        var run = ""
        for (index, character) in name.enumerated() {
            let isPlain = character.isLetter || character.isNumber || "-_ ".contains(character)
            if (isPlain || character == "." && index > 0) && !(index == 0 && name.lowercased() == "global") {
                run.append(character)
            } else {
                for byte in String(character).utf8 {
                    run += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
                }
            }
        }
        return run.isEmpty ? "%00" : run
    }
}
