import Federation
import Study
import Testing

@Suite struct RunFileOverrideTests {
    private let yaml = """
        sites: [{name: a, dataset: 1}, {name: b, dataset: 2}]
        training: {rounds: 5}
        strategy: {server_optimizer: {fedadam: {tau: 0.1}}, minimum_sites: 9}
        """

    private func file(_ overrides: String...) throws -> RunFile {
        try RunFile(
            yaml: yaml, overrides: (["strategy.minimum_sites=2"] + overrides).map { RunFile.Override($0)! })
    }

    /// The file alone asks for nine of two sites.
    @Test func anOverrideMendsTheFile() throws {
        #expect(throws: RunFileError.self) { try RunFile(yaml: yaml) }
        #expect(try file().strategy.minimumSites == 2)
    }

    @Test func everyKindOfValue() throws {
        #expect(try file("training.rounds=100").training.rounds == 100)
        #expect(try file("training.local-epochs=3").training.localEpochs == 3)
        #expect(try file("sites.b.fold=all-cases").sites[1].fold == .all)
        #expect(try file("sites.2.dataset=302", "sites.302.fold=1").sites[2].fold == .number(1))
        #expect(try file("sites.0.target_spacing=[1, 2, 3]").sites[0].targetSpacing == [1, 2, 3])
        #expect(try file("sites.2.dataset=7").sites.map(\.name) == ["a", "b", "7"])
        #expect(try file("name=study").outputFolder == "runs/study")
        #expect(try file("strategy.select=[b]", "strategy.minimum_sites=1").strategy.select == .named(["b"]))
        #expect(try file("strategy.aggregation=median").strategy.aggregation == .median)
        #expect(
            try file("strategy.weights.a=1", "strategy.weights.b=3").strategy.weighting.rule
                == .given(["a": 1, "b": 3]))
        #expect(try file("output=a=b").output == "a=b")
        #expect(try file("output=").output == nil)
        let adam = try file("strategy.server_optimizer.fedadam.learning_rate=0.5").strategy.serverOptimizer
        #expect(adam == .adam(learningRate: 0.5, tau: 0.1))
    }

    @Test func aRunWithoutAFile() throws {
        let file = try RunFile(
            yaml: "", file: "two.yaml",
            overrides: [.init("sites.0.dataset", "4"), .init("sites.1.dataset", "5"), .init("sites.1.name", "no")])
        #expect(file.sites == [RunFile.Site(dataset: "4"), RunFile.Site(name: "no", dataset: "5")])
        #expect(file.name == "two")
    }

    @Test(arguments: [
        ("training.rouds", "1", "override: training.rouds is unknown; did you mean rounds?"),
        ("trainin.rounds", "1", "override: trainin is unknown; did you mean training?"),
        ("rounds", "1", "override: rounds is unknown; did you mean training.rounds?"),
        ("training.rounds", "ten", "override: training.rounds is \"ten\"; write a whole number, such as 2."),
        (
            "training.rounds", "{a",
            "override: training.rounds is \"{a\", which is not YAML; put quotes around a text with special letters."
        ),
        ("training.rounds.more", "1", "override: training.rounds is a mapping; write a whole number, such as 2."),
        ("sites.hospital_a.fold", "1", "override: sites.hospital_a.fold leads to no site; did you mean hospital_b?"),
        ("sites.9.fold", "1", "override: sites.9.fold leads to no site; known here are hospital_b, 0 to 1."),
        (
            "training..rounds", "1",
            "override: training..rounds is no path; write keys with a dot between, such as training.rounds."
        ),
    ])
    func faultsOfOverrides(path: String, value: String, expected: String) throws {
        var file = try RunFile(yaml: "sites: [{name: hospital_b, dataset: 1}]")
        let before = file
        let error = #expect(throws: RunFileError.self) { try file.set(path, value) }
        #expect(error?.description == expected)
        #expect(file == before)
    }

    /// A check after a change tells of the flag, and still of the file's lines.
    @Test func placesOutliveAChange() throws {
        var file = try RunFile(yaml: "sites: [{dataset: 1}]\nstrategy:\n  minimum_sites: 1")
        try file.set("training.rounds", "0")
        file.strategy.minimumSites = 3
        let error = #expect(throws: RunFileError.self) { try file.check() }
        #expect(
            error?.description == """
                run.yaml:3:3: strategy.minimum_sites is 3, and there is 1 site; write 1 or less.
                override: training.rounds is 0; write 1 or more.
                """)
        #expect(file.training.rounds == 0)
        try file.set("strategy.minimum_sites", "1")
        try file.set("training.rounds", "9")
        try file.check()
    }

    @Test func assignments() {
        #expect(RunFile.Override("a.b=c=d") == RunFile.Override("a.b", "c=d"))
        #expect(RunFile.Override("a.b") == nil)
        #expect(RunFile.Override("=1") == nil)
    }
}
