import Study
import Testing

@Suite struct ResourcePlanTests {
    private func plan(_ sites: Int, cores: Int, gpus: Int = 0, threads: [Int?]? = nil, device: RunFile.Device = .cpu)
        throws -> ResourcePlan
    {
        try ResourcePlan(
            sites: sites, cores: cores, gpus: gpus, device: device, wanted: Array(repeating: nil, count: sites),
            threads: threads ?? Array(repeating: nil, count: sites))
    }

    @Test func coresAreShared() throws {
        let four = try plan(4, cores: 8)
        #expect(four.threads == [2, 2, 2, 2] && four.sitesAtATime == 4)
        #expect(four.description == "4 sites, 4 at a time, 2 threads each")
        #expect(try plan(4, cores: 2).threads == [1, 1, 1, 1] && plan(4, cores: 2).sitesAtATime == 2)
    }

    /// Stated threads stay, and fewer sites work at a time where the cores do not suffice.
    @Test func statedThreadsStay() throws {
        let two = try plan(2, cores: 4, threads: [4, 4])
        #expect(two.threads == [4, 4] && two.sitesAtATime == 1)
        let mixed = try plan(3, cores: 8, threads: [4, nil, 1])
        #expect(mixed.threads == [4, 4, 1] && mixed.sitesAtATime == 2)
        #expect(mixed.description.contains("1 to 4 threads each"))
        #expect(try plan(1, cores: 1, threads: [16]).threads == [16])
        #expect(try plan(2, cores: 8, gpus: 2, threads: [3, nil], device: .automatic).threads == [3, 4])
    }

    @Test func missingGPUsAreRefused() {
        #expect(throws: StudyError.self) { try plan(1, cores: 1, gpus: 1, device: .cuda(1)) }
    }
}
