import Federation

/// A server's way to a stock Flower node, which trains and evaluates by its app's code and can say nothing of itself.
///
/// What it trains is the given model, all of it shared; its weight comes with its updates, as `num-examples`.
public struct FlowerNodeLink: SiteLink {
    private let link: FleetLink
    private let service: FleetService
    private let initial: Weights

    /// - Parameters:
    ///   - site: what the node's key was registered as.
    ///   - run: was opened with the bundle that the node runs.
    ///   - initial: the model to begin with, under the names that the app's code knows.
    ///   - timeToLive: how long a task may take, in seconds.
    ///   - log: told what a task waits for at the server.
    public init(
        to site: String, of service: FleetService, run: UInt64, initial: Weights,
        timeToLive: Double = 30 * 24 * 3600, log: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        link = FleetLink(to: site, of: service, run: run, timeToLive: timeToLive, log: log)
        self.service = service
        self.initial = initial
    }

    public var site: String { link.site }

    public func perform(_ task: SiteTask) async throws -> SiteReply {
        switch task {
        case .describe:
            try await service.waitUntilOnline(site)
            // How many cases it has is known with its first update.
            return .description(
                SiteDescription(name: site, examples: 1, tensors: initial.descriptions.map { TensorRole($0) }))
        case .initialWeights(let names):
            let names = Set(names)
            return .weights(initial.keeping { names.contains($0) })
        case .train(let train):
            guard train.frozen.isEmpty else {
                throw FederationError.site(
                    "\(site) is a node of Flower's, whose app trains all of the model. Set no warm-up rounds.")
            }
            return try await link.perform(task)
        case .validate: return try await link.perform(task)
        case .finish: return .done
        case .answer, .sendModel:
            throw FederationError.site(
                "\(site) is a node of Flower's, which answers no questions of a preparation or a filter and keeps no "
                    + "model of its own. Leave these out of the run, or let it take part with Cohort.")
        }
    }
}

extension FleetService {
    /// Waits for a node's first sign of life.
    fileprivate func waitUntilOnline(_ name: String) async throws {
        func isIt(_ node: FleetNode) -> Bool { node.name.description == name && node.status == .online }
        let changes = changes()
        if nodes.contains(where: isIt) { return }
        for await node in changes where isIt(node) { return }
        throw CancellationError()
    }
}
