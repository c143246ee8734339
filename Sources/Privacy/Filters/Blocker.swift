import Federation

/// Lets updates of some kinds out and no others; FLARE's `DXOBlocker`.
public struct Blocker: UpdateFilter {
    public let name = "blocker"
    public let settings: Settings

    public struct Settings: Sendable, Equatable {
        public var kinds: Set<ModelUpdate.Content>
        /// Whether only these kinds may leave, or all others.
        public var allows: Bool

        public init(_ kinds: Set<ModelUpdate.Content>, allows: Bool = false) {
            self.kinds = kinds
            self.allows = allows
        }

        /// - Throws: `PrivacyError.setting`.
        public func validate() throws {
            guard !kinds.isEmpty else {
                throw PrivacyError.setting(
                    "The filter blocker names no kind of update. Name weights or difference, or leave it out.")
            }
        }
    }

    /// - Throws: `PrivacyError.setting`.
    public init(_ settings: Settings) throws {
        try settings.validate()
        self.settings = settings
    }

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        guard settings.kinds.contains(update.content) == settings.allows else {
            throw PrivacyError.refused(
                "This site does not let updates of the kind \(update.content.rawValue) out. Let the run send another kind."
            )
        }
        return update
    }

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }
}
