#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import NNUNet

extension CrossSiteMatrix {
    /// NVIDIA FLARE's shape of cross_val_results.json, `{data_site: {model_owner: {metric: value}}}`, with the number of
    /// cases beside the metrics, and `reason` where there are none. A value that is not a number is `null`.
    public var json: JSONValue {
        let rows = sites.map { site in
            let owners = models.compactMap { model in self[site, model].map { (model, Self.json($0)) } }
            return (site, JSONValue.object(JSONObject(owners)))
        }
        return .object(JSONObject(rows))
    }

    private static func json(_ cell: Cell) -> JSONValue {
        switch cell {
        case .missing(let reason): return .object(JSONObject([("reason", .string(reason))]))
        case .score(let metrics, let cases):
            var values = JSONObject()
            for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
                values[name] = value.isFinite ? .number(value) : .null
            }
            values["cases"] = .integer(cases)
            return .object(values)
        }
    }

    /// Reads that shape, FLARE's own files included, which count no cases and leave holes.
    public init(json: JSONValue, file: String = "cross-site matrix") throws {
        func fault(_ reason: String) -> StudyError { .content(file: file, reason: reason) }
        guard let rows = json.object else { throw fault("an object of data sites is expected") }
        self.init(sites: rows.keys)
        for (site, owners) in rows.pairs {
            guard let owners = owners.object else { throw fault("\"\(site)\" must be an object of models") }
            for (model, cell) in owners.pairs {
                guard let values = cell.object else {
                    throw fault("\"\(model)\" on \"\(site)\" must be an object of metrics")
                }
                self[site, model] = try Self.cell(values) {
                    fault("\"\($0)\" of \"\(model)\" on \"\(site)\" must be a number")
                }
            }
        }
    }

    private static func cell(_ values: JSONObject, fault: (String) -> StudyError) throws -> Cell? {
        if let reason = values["reason"]?.string { return .missing(reason: reason) }
        if values.keys.isEmpty { return nil }
        var metrics: [String: Double] = [:]
        for (name, value) in values.pairs where name != "cases" {
            guard let number = value == .null ? .nan : value.number else { throw fault(name) }
            metrics[name] = number
        }
        return .score(metrics, cases: values["cases"]?.integer ?? 0)
    }

    public func write(to url: URL) throws { try json.write(to: url) }

    public init(contentsOf url: URL) throws {
        guard let data = try? Data(contentsOf: url) else {
            throw StudyError.file(url.lastPathComponent, reason: "there is no such file, or it cannot be read")
        }
        try self.init(
            json: JSONValue(parsing: Array(data), file: url.lastPathComponent), file: url.lastPathComponent)
    }
}
