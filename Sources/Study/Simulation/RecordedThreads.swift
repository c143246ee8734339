#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The threads that each site of a run began with, as its `run.yaml` states them.
///
/// They are part of what makes a run repeatable: a run that is taken up, also on a machine of other cores, keeps them.
struct RecordedThreads {
    private var ofSites: [String: Int] = [:]
    private var ofAll: Int?

    /// Nothing where there is no run to take up.
    /// - Throws: `RunFileError` where the record was changed by hand to something that is no run file.
    init(in output: URL) throws {
        guard FileManager.default.fileExists(atPath: output.appending(path: "server/journal.jsonl").path) else {
            return
        }
        let record = output.appending(path: "run.yaml")
        guard FileManager.default.fileExists(atPath: record.path) else { return }
        let run = try RunFile(contentsOf: record)
        ofAll = run.split?.threads
        for site in run.sites { ofSites[site.name] = site.threads }
    }

    /// A site's threads: the recorded ones, else those that are stated.
    ///
    /// - Throws: `StudyError.setting` where the two differ.
    func threads(of site: String, stated: Int?) throws -> Int? {
        guard let recorded = ofAll ?? ofSites[site] else { return stated }
        if let stated, stated != recorded {
            throw StudyError.setting(
                "This run trains \(site) with \(recorded) thread\(recorded == 1 ? "" : "s"), not \(stated): with another number it would not end with the same weights. Leave threads out to go on, or begin anew with another output."
            )
        }
        return recorded
    }
}

extension RunFile {
    /// The run with the threads of every site written out, in the sites' order.
    func stating(threads: [Int]) -> RunFile {
        var run = self
        for index in run.sites.indices { run.sites[index].threads = threads[index] }
        run.split?.threads = threads.first
        return run
    }
}
