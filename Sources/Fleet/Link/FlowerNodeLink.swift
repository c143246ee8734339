import Federation

/// A server's way to a stock Flower node, which trains and evaluates by its app's code and can say nothing of itself.
///
/// What it trains is the run's model, all of it shared; its weight comes with its updates, as `num-examples`.
public struct FlowerNodeLink: SiteLink {
    /// Where the model to begin with comes from.
    public enum Beginning: Sendable {
        /// The model itself, under the names that the app's code knows.
        case weights(Weights)
        /// A site of Cohort's in the same run, whose network the app trains too.
        case site(any SiteLink)
    }

    private let link: FleetLink
    private let service: FleetService
    private let beginning: Beginning

    /// - Parameters:
    ///   - site: what the node's key was registered as.
    ///   - run: was opened with the bundle that the node runs.
    ///   - timeToLive: how long a task may take, in seconds.
    ///   - log: told what a task waits for at the server.
    public init(
        to site: String, of service: FleetService, run: UInt64, beginning: Beginning,
        timeToLive: Double = 30 * 24 * 3600, log: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        link = FleetLink(to: site, of: service, run: run, timeToLive: timeToLive, log: log)
        self.service = service
        self.beginning = beginning
    }

    public var site: String { link.site }

    public func perform(_ task: SiteTask) async throws -> SiteReply {
        switch task {
        case .describe:
            try await service.waitUntilOnline(site)
            return .description(try await description())
        case .initialWeights(let names):
            switch beginning {
            case .weights(let weights):
                let names = Set(names)
                return .weights(weights.keeping { names.contains($0) })
            case .site(let other): return try await other.perform(task)
            }
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

    /// How many cases it has is known with its first update.
    private func description() async throws -> SiteDescription {
        switch beginning {
        case .weights(let weights):
            return SiteDescription(name: site, examples: 1, tensors: weights.descriptions.map { TensorRole($0) })
        case .site(let other):
            guard case .description(var description) = try await other.perform(.describe) else {
                throw FederationError.site("\(other.site) did not describe the model that \(site) trains too.")
            }
            description.name = site
            description.examples = 1
            return description
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
