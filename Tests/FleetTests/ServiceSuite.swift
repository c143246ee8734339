import Federation
import Fleet

/// What suites of a service begin with: a folder, a clock of their own, and a run.
protocol ServiceSuite {
    var folder: TemporaryFolder { get }
    var clock: ToyClock { get }
}

extension ServiceSuite {
    func service(_ settings: FleetService.Settings = .init()) throws -> FleetService {
        let clock = clock
        return try FleetService(folder.url, settings: settings, now: { clock.now })
    }

    func running(_ settings: FleetService.Settings = .init()) async throws -> FleetService {
        let service = try service(settings)
        try await service.open(FleetRun(id: 7))
        return service
    }

    var question: FleetService.Question { .init(key: "round 1", runID: 7, type: "train", group: "1") }

    static var model: RecordDict {
        [
            "arrays": .arrays(ArrayRecord(Weights([tensor("w", [40, 50]), tensor("n", [1], .int64)]))),
            "config": .config(["server-round": .int(1)]),
        ]
    }

    func refusal(_ body: () async throws -> Void) async -> FleetFailure? {
        do { try await body() } catch { return error as? FleetFailure }
        return nil
    }
}
