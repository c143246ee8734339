import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Simulation {
    /// Scores every model on cases that no model trained on.
    func compare(_ models: [Model]) async throws -> (tables: [ComparisonTable], facts: [RunFacts.Fact]) {
        let groups = Dictionary(grouping: models.filter { $0.kind == .federated }, by: \.sites).keys
            .sorted { $0.lexicographicallyPrecedes($1) }
        var tables: [ComparisonTable] = []
        var scores = JSONObject()
        for (index, members) in groups.enumerated() {
            let name =
                groups.count == 1 ? "cases that no one trained on" : "cases of \(members.joined(separator: ", "))"
            let folder = output.appending(path: "test").appending(path: "\(index + 1)")
            guard
                let test = try TestSet(
                    of: sites.filter { members.contains($0.name) }, in: folder.appending(path: "truth"))
            else { continue }
            var rows: [ComparisonTable.Row] = []
            var alone: [ComparisonTable.Row] = []
            let labels = EvaluationClass.names(of: test.dataset)
            for model in models where !Set(model.sites).isDisjoint(with: members) {
                print("scoring \(model.name) on \(test.cases) cases")
                let predictions = folder.appending(path: model.name.replacing(" ", with: "_"))
                try await tools.predict(
                    PredictionOrder(
                        images: test.images, output: predictions, model: model.folder,
                        configuration: run.plan.configuration, fold: model.fold, device: resources.devices.first))
                let row = ComparisonTable.Row(model.name, try test.evaluate(predictions), labels: labels)
                if model.kind == .alone { alone.append(row) } else { rows.append(row) }
            }
            if alone.count > 1 { rows.append(.mean("alone, mean", of: alone)) }
            let table = ComparisonTable(
                title: "Scores on \(name)", spread: "standard deviation over cases", labels: labels, rows: rows + alone)
            tables.append(table)
            scores[name] = table.json
        }
        try JSONValue.object(scores).write(to: output.appending(path: "scores.json"))
        let steps =
            (run.training.rounds + run.training.warmUpRounds) * run.training.localEpochs
            * run.training.iterationsPerEpoch
        return (tables, [RunFacts.Fact("Steps of each model", "\(steps)")])
    }
}
