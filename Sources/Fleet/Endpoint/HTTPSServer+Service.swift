extension HTTPSServer {
    /// Serves as long as `lead` lasts, which leads a run over the service; ends with an error where the disk fails.
    public func run(_ service: FleetService, while lead: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.run()
                return false
            }
            group.addTask {
                try await service.untilDiskFails()
                return false
            }
            group.addTask {
                try await lead()
                return true
            }
            defer { group.cancelAll() }
            while let isDone = try await group.next() { if isDone { return } }
        }
    }
}
