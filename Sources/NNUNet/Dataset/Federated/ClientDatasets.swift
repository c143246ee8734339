/// Which site of a simulation works on which dataset, as the Flower app takes it:
/// `{"0": "Dataset005_Prostate", "1": "Dataset009_Spleen"}`.
public struct ClientDatasets: Sendable, Equatable {
    /// A dataset's name or number for each site, in the order of the sites' numbers. Sites may share one.
    public let datasets: [String]

    public init(parsing text: String) throws {
        let option = "--client-datasets"
        func fault(_ reason: String) -> NNUNetError {
            .plan("\(option): \(reason). Write it like {\"0\": \"Dataset005_Prostate\", \"1\": \"Dataset009_Spleen\"}.")
        }
        let value = try JSONValue(parsing: Array(text.utf8), file: option, allowsEqualKeys: false)
        guard let object = value.object else { throw fault("an object in braces is expected") }
        guard !object.keys.isEmpty else { throw fault("no site is named") }
        var datasets: [Int: String] = [:]
        for (key, value) in object.pairs {
            guard let site = Int(key), String(site) == key, site >= 0 else {
                throw fault("\"\(key)\" is no site's number")
            }
            guard let name = value.string, Int(name).map({ $0 > 0 }) ?? (DatasetFolders.id(of: name) != nil) else {
                throw fault("site \(site) has no dataset's name such as Dataset005_Prostate")
            }
            datasets[site] = name
        }
        self.datasets = try (0..<datasets.count).map { site in
            guard let name = datasets[site] else {
                throw fault("sites are numbered from 0 on without gaps; \(site) is missing")
            }
            return name
        }
    }
}
