import Study
import Testing

@Suite struct RunFileFlowerTests {
    private func faults(_ yaml: String) -> [String] {
        do {
            _ = try RunFile(yaml: yaml, file: "run.yaml")
            return []
        } catch {
            return "\(error)".split(separator: "\n").map(String.init)
        }
    }

    private static let nodes = """
        sites: [{name: a, flower: true}, {name: b, flower: true}]
        flower: {fab: app.fab, initial: first.safetensors}

        """
    private static let both = """
        sites: [{name: a, dataset: 4}, {name: b, flower: true}]
        flower: {fab: app.fab}

        """

    @Test(arguments: [nodes, both]) func aRunWithNodesOfFlowers(yaml: String) throws {
        let run = try RunFile(yaml: yaml)
        #expect(run.hasFlowerNodes && run.sites.map(\.isFlowerNode).last == true && run.flower.fab == "app.fab")
        #expect(run.preparationOrder.leftAlone == Set(run.sites.filter(\.isFlowerNode).map(\.name)))
        // The record of a run can be run again.
        #expect(try RunFile(yaml: run.yaml()).sites == run.sites)
        #expect(try RunFile(yaml: run.yaml()).flower == run.flower)
    }

    /// Paths are those of the writer's machine; a server has names of its own for the files.
    @Test func aServerTakesNoPathFromARunFile() throws {
        var run = try RunFile(yaml: "sites: [{name: a, flower: true}]\nflower: {fab: /etc/passwd, initial: ../x}")
        run.flower = run.flower.atServer()
        #expect(run.flower.fab == "app.fab" && run.flower.initial == "initial.safetensors")
        #expect(try RunFile(yaml: "sites: [{dataset: 1}]").flower.atServer() == RunFile.Flower())
    }

    @Test(arguments: [
        (
            "sites: [{name: a, flower: yess}]",
            "run.yaml:1:27: sites.0.flower is \"yess\"; write true or false."
        ),
        ("sites: [{name: a, flowr: true}]", "run.yaml:1:19: sites.0.flowr is unknown; did you mean flower?"),
        (
            "sites: [{flower: true}]\nflower: {fab: a, initial: b}",
            "run.yaml:1:9: sites.0.name is missing; write what the node's key is registered as."
        ),
        (
            "sites: [{name: a, flower: true}]\nflower: {initial: b}",
            "run.yaml:2:1: flower.fab is missing; write the file that flwr build made."
        ),
        (
            "sites: [{name: a, flower: true}]\nflower: {fab: b}",
            "run.yaml:2:1: flower.initial is missing, and no site of Cohort's gives a model to begin with; write a file of safetensors."
        ),
        (
            "sites: [{name: a, dataset: 4}, {name: b, flower: true}]\nflower: {fab: b, initial: c}",
            "run.yaml:2:18: flower.initial does not go with sites of Cohort's, which give the model to begin with; leave it out."
        ),
        (
            "sites: [{dataset: 4}]\nflower: {fab: b}",
            "run.yaml:2:10: flower.fab has no effect: no site is a node of Flower's; mark one with flower: true, or leave this out."
        ),
        (
            "sites: [{dataset: 4}]\nflower: {initial: b}",
            "run.yaml:2:10: flower.initial has no effect: no site is a node of Flower's; mark one with flower: true, or leave this out."
        ),
        (
            "sites: [{name: a, flower: true}]\nflower: {fabb: 1}",
            "run.yaml:2:10: flower.fabb is unknown; did you mean fab?"
        ),
        (
            "sites: [{name: a, flower: true, dataset: 4}]\nflower: {fab: b, initial: c}",
            "run.yaml:1:33: sites.0.dataset is nothing that a node of Flower's can be told; leave it out."
        ),
        (
            "sites: [{name: a, flower: true, threads: 4}]\nflower: {fab: b, initial: c}",
            "run.yaml:1:33: sites.0.threads is nothing that a node of Flower's can be told; leave it out."
        ),
        (
            nodes + "task: extract_fingerprint",
            "run.yaml:3:1: task is extract_fingerprint, and a node of Flower's only trains; write train."
        ),
        (
            both + "training: {warm_up_rounds: 2}",
            "run.yaml:3:12: training.warm_up_rounds is 2, and a node of Flower's trains the whole model; write 0."
        ),
        (
            both + "sharing: {mode: backbone}",
            "run.yaml:3:1: sharing keeps tensors back, and a node of Flower's shares all; leave it out."
        ),
        (
            both + "strategy: {update: difference}",
            "run.yaml:3:12: strategy.update is difference, and Flower's apps answer with weights; write weights."
        ),
        (
            both + "strategy: {filters: [half-precision]}",
            "run.yaml:3:12: strategy.filters are filters that a node of Flower's does not have; leave them out."
        ),
        (
            both + "strategy: {modality_weights: {CT: 1}}",
            "run.yaml:3:12: strategy.modality_weights need modalities, which a node of Flower's does not tell; leave them out."
        ),
        (
            both + "strategy: {model_of_each_modality: true}",
            "run.yaml:3:12: strategy.model_of_each_modality needs modalities, which a node of Flower's does not tell; leave it out."
        ),
        (
            both + "validation: {cross_site: true}",
            "run.yaml:3:14: validation.cross_site needs every site's own model, and a node of Flower's sends none; leave it out."
        ),
    ])
    func whatDoesNotWorkIsRefused(yaml: String, expected: String) {
        #expect(faults(yaml).contains(expected), "\(faults(yaml))")
    }
}
