import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the rounds before the first left at the server: every site's dataset and plans.
public struct PreparedSites: Codable, Sendable, Equatable {
    public struct Site: Codable, Sendable, Equatable {
        public var facts: DatasetFacts
        /// The text of its plans file.
        public var plans: String
        /// The text of the fingerprint that it was planned by; nil where the site planned for itself.
        public var fingerprint: String?
    }

    public var sites: [String: Site] = [:]

    public init() {}

    public init(contentsOf url: URL) throws {
        do {
            self = try JSONDecoder().decode(PreparedSites.self, from: Data(contentsOf: url))
        } catch {
            throw StudyError.content(
                file: url.lastPathComponent, reason: "it does not say how the sites were prepared. Begin the run anew")
        }
    }

    public func write(to url: URL) throws {
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try JSONEncoder().encode(self).write(to: url, options: .atomic)
    }
}

extension PreparedSites.Site {
    public func plansObject() throws -> JSONObject {
        guard case .object(let json) = try JSONValue(parsing: Array(plans.utf8), file: "the plans") else {
            throw NNUNetError.plan("The plans of \(facts.name) are no JSON object.")
        }
        return json
    }
}
