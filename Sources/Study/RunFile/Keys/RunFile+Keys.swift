extension RunFile: YAMLSection {
    init() { self.init(name: "") }

    static let keys: [YAMLKey<RunFile>] = [
        YAMLKey("name", \.name, .notEmpty),
        YAMLKey("task", \.task),
        YAMLKey("sites", \.sites, form: "a list of sites, each with its dataset, such as [{dataset: 301}]"),
        YAMLKey("split", \.split),
        YAMLKey("plan", \.plan),
        YAMLKey("training", \.training),
        YAMLKey("strategy", \.strategy),
        YAMLKey("sharing", \.sharing),
        YAMLKey("validation", \.validation),
        YAMLKey("labels", \.labels),
        YAMLKey("privacy", \.privacy),
        YAMLKey("flower", \.flower),
        YAMLKey(
            "baselines", \.baselines, form: "a list such as [\(Baseline.words.map(\.rawValue).joined(separator: ", "))]"
        ),
        YAMLKey("output", \.output, .notEmpty, form: "a folder, such as runs/prostate"),
        YAMLKey("save_every", \.saveEvery, .atLeast(1)),
        YAMLKey("device", \.device),
    ]
}

extension RunFile.Task: YAMLWord {}
extension RunFile.Labels: YAMLWord {}
extension RunFile.Baseline: YAMLWord {}
