import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a server tells a site of a run before its first task: the run file, and which of its sites is meant.
///
/// It is data. What it asks for is carried out by this program's own parts, within the site's policy.
public struct SiteOrder: Sendable, Equatable, Codable {
    public var site: String
    /// The text of the run file.
    public var run: String

    public init(_ run: RunFile, site: String) throws {
        self.site = site
        self.run = try run.yaml()
    }

    /// - Throws: `StudyError.setting` where it is none, or of another version.
    public init(parsing data: Data) throws {
        guard let order = try? JSONDecoder().decode(SiteOrder.self, from: data) else {
            throw StudyError.setting(
                "The server's order for this run cannot be read. Install the same version of Cohort at both.")
        }
        self = order
    }

    public var data: Data {
        get throws {
            let encoder = JSONEncoder()
            // Equal orders have equal bytes: a server that was restarted finds the one it sent.
            encoder.outputFormatting = .sortedKeys
            return try encoder.encode(self)
        }
    }

    /// The run file, checked whole.
    public func runFile() throws -> RunFile { try RunFile(yaml: run, file: "the server's run file") }

    /// The site as its own machine sees it.
    ///
    /// - Parameters:
    ///   - own: dataset and fold as the site's people gave them, in place of the run file's.
    ///   - folders: of raw and preprocessed data; results go below `results`.
    ///   - device: as the site's people set it, before the run file's.
    ///   - threads: of the network, where the run file does not state them.
    /// - Throws: `FederationError.policy` where the dataset is none of the site's; `StudyError`, `NNUNetError`.
    public func makeSite(
        own: RunFile.Site? = nil, folders: DatasetFolders, device: String?, threads: Int
    ) throws -> StudySite {
        let run = try runFile()
        guard var member = own ?? run.sites.first(where: { $0.name == site }) else {
            throw StudyError.setting("The server's run file has no site \(site).")
        }
        member.name = site
        // A name that leads out of the folder of the datasets would be one of any folder of this machine.
        guard member.dataset.isFileName else {
            throw FederationError.policy("a dataset is a number or a name below nnUNet_raw, and this one is a path")
        }
        do {
            return try StudySite(
                member, of: run, folders: folders, device: device ?? member.gpu.map { "cuda:\($0)" },
                threads: member.threads ?? threads)
        } catch is NNUNetError {
            throw FederationError.site("The site has no dataset \(member.dataset) that can be read.")
        }
    }
}
