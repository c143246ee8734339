/// A server's way to one site: in process, or over a network.
public protocol SiteLink: Sendable {
    var site: String { get }
    /// Gives a site a task and waits for its reply. Returns at once when it is cancelled, whatever the site does.
    func perform(_ task: SiteTask) async throws -> SiteReply
}
