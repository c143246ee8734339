import Privacy

extension PrivacyPolicy: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("cap", \.cap),
        YAMLKey("cap_of_dataset", \.capOfDataset, form: "such as {Dataset301_Prostate: {epsilon: 3, delta: 1e-5}}"),
        YAMLKey("required", \.required),
        YAMLKey(
            "plain_releases", \.plainReleases,
            form: "a list such as [\(PlainRelease.words.map(\.rawValue).joined(separator: ", "))]"),
        YAMLKey("accountant", \.accountant),
    ]

    func check(at path: String, _ reading: inout Reading) {
        for key in Self.keys { key.check(self, path.key(key.name), &reading) }
        for (dataset, cap) in capOfDataset.sorted(by: { $0.key < $1.key }) {
            cap.check(at: path.key("cap_of_dataset").key(dataset), &reading)
        }
        if let required, required.unit == .site, required.patients != nil {
            reading.fault(
                at: path.key("required").key("patients"), "has no effect: it belongs to unit: record",
                "leave it out, or write unit: record")
        }
    }
}

extension PrivacyPolicy.Cap: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("epsilon", \.epsilon, .atLeast(0), form: "a number of 0 or more, such as 8", required: true),
        YAMLKey(
            "delta", \.delta, .betweenZeroAndOne, form: "a number well below one over the records, such as 1e-5",
            required: true),
    ]
}

extension PrivacyPolicy.Requirement: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("record", Self(.record)), .word("site", Self(.site)),
        .bare(
            .mapping, example: "{unit: record, most_epsilon: 8, delta: 1e-5, least_noise_multiplier: 0.8}",
            make: { (keys: Keys) in keys.requirement }, value: { Keys(requirement: $0) }),
    ]

    private struct Keys: YAMLSection {
        var requirement = PrivacyPolicy.Requirement(.record)

        static let keys: [YAMLKey<Self>] = [
            YAMLKey("unit", \.requirement.unit, form: "record or site", required: true),
            YAMLKey("most_epsilon", \.requirement.mostEpsilon, .above(0)),
            YAMLKey("delta", \.requirement.delta, .betweenZeroAndOne),
            YAMLKey("least_noise_multiplier", \.requirement.leastNoiseMultiplier, .above(0)),
            YAMLKey("patients", \.requirement.patients, .notEmpty, form: "a column of patients.csv, such as patient"),
        ]
    }
}
