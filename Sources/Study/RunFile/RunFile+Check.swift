import Federation

extension RunFile {
    /// Looks for all that can be known to fail before anything starts: values out of their range, and values that do
    /// not go together.
    ///
    /// - Throws: `RunFileError` with all that is wrong.
    public func check() throws {
        var reading = Reading(places: source.places)
        checkWhole(&reading)
        guard reading.faults.isEmpty else { throw RunFileError(file: source.file, faults: reading.faults) }
    }

    func checkWhole(_ reading: inout Reading) {
        let sitesAreKnown = !reading.faults.contains { $0.path.hasPrefix("sites") || $0.path.hasPrefix("split") }
        check(at: "", &reading)
        checkSplit(&reading)
        checkDevices(&reading)
        checkLists(&reading)
        guard sitesAreKnown else { return }
        checkSites(&reading)
        checkSelection(strategy.select, at: "strategy.select", &reading)
        checkSelection(validation.select, at: "validation.select", &reading)
        checkMinimumSites(&reading)
        checkAggregation(&reading)
        checkWeights(&reading)
        checkModalityWeights(&reading)
        checkFilters(&reading)
        checkSecureAggregation(&reading)
        checkFlower(&reading)
        checkPrivacy(&reading)
    }

    private func checkSites(_ reading: inout Reading) {
        if sites.isEmpty, split == nil {
            reading.fault(at: "sites", "is missing", "list the sites, or divide one dataset with split")
        }
        if !sites.isEmpty, split != nil {
            reading.fault(at: "split", "does not go with sites", "keep one of the two")
        }
        var first: [String: Int] = [:]
        for (index, site) in sites.enumerated() {
            if let twin = first[site.name] {
                let line = reading.places["sites.\(twin)"].flatMap {
                    if case .line(let line, _) = $0 { line } else { nil }
                }
                reading.fault(
                    at: "sites.\(index).name",
                    "is \(site.name), as of sites.\(twin)" + (line.map { " in line \($0)" } ?? ""),
                    "give one of them another name")
            } else {
                first[site.name] = index
            }
        }
    }

    private func checkSplit(_ reading: inout Reading) {
        guard let split else { return }
        if case .column = split.rule {
            if split.sites != nil {
                reading.fault(at: "split.sites", "does not go with column", "leave it out: the table names the sites")
            }
        } else if split.sites == nil {
            reading.fault(at: "split.sites", "is missing", "write how many, such as 4")
        }
    }

    private func checkDevices(_ reading: inout Reading) {
        guard device == .cpu else { return }
        if training.precision == .fp16 {
            reading.fault(at: "training.precision", "is fp16, which needs a GPU", "write fp32 or bf16, or device: cuda")
        }
        for (index, site) in sites.enumerated() {
            guard let gpu = site.gpu else { continue }
            reading.fault(
                at: "sites.\(index).gpu", "is \(gpu), and device is cpu", "leave it out, or write device: cuda")
        }
    }

    private func checkLists(_ reading: inout Reading) {
        if Set(baselines).count < baselines.count {
            reading.fault(at: "baselines", "names one of them twice", "keep one")
        }
    }

    // MARK: Against the sites

    private static func sites(_ count: Int) -> String { count == 1 ? "there is 1 site" : "there are \(count) sites" }

    /// How many sites a selection takes; nil where that is not known, or the selection makes no sense.
    func count(_ selection: SiteSelection) -> Int? {
        guard let names = siteNames else {
            if case .named(let names) = selection { return names.count }
            return nil
        }
        return try? selection.choose(from: names, round: 1, seed: 1).count
    }

    private func checkSelection(_ selection: SiteSelection, at path: String, _ reading: inout Reading) {
        switch selection {
        case .all, .fraction: break
        case .count(let count):
            guard let there = siteCount, there > 0, count > there else { break }
            reading.fault(at: path.key("count"), "is \(count), and \(Self.sites(there))", "write \(there) or less")
        case .named(let names):
            if names.isEmpty { reading.fault(at: path, "names no site", "write all, or at least one name") }
            if Set(names).count < names.count { reading.fault(at: path, "names a site twice", "keep one") }
            for (index, name) in names.enumerated() { checkName(name, at: path.key(String(index)), "is", &reading) }
        }
    }

    /// Tells of a name that no site has.
    private func checkName(_ name: String, at path: String, _ verb: String, _ reading: inout Reading) {
        guard let known = siteNames, !known.contains(name) else { return }
        let remedy = nearest(to: name, in: known).map { "did you mean \($0)?" }
        reading.fault(
            at: path, "\(verb) \(name), and no site is called so",
            remedy ?? "the sites are \(known.joined(separator: ", "))")
    }

    private func checkMinimumSites(_ reading: inout Reading) {
        let path = "strategy.minimum_sites"
        let minimum = strategy.minimumSites
        if let there = siteCount, there > 0, minimum > there {
            reading.fault(at: path, "is \(minimum), and \(Self.sites(there))", "write \(there) or less")
        } else if let taken = count(strategy.select), taken > 0, minimum > taken {
            reading.fault(
                at: path, "is \(minimum), and strategy.select takes \(taken) in a round", "write \(taken) or less")
        }
    }

    private func checkAggregation(_ reading: inout Reading) {
        let path = "strategy.aggregation"
        guard let count = count(strategy.select), count > 0,
            !reading.faults.contains(where: { $0.path.hasPrefix(path) })
        else { return }
        switch strategy.aggregation {
        case .mean, .median: break
        case .trimmedMean(let share):
            guard share > 0, share < 0.5, Int(share * Double(count)) == 0 else { break }
            reading.fault(
                at: path.key("trimmed_mean"), "is \(share.scalar), which leaves out none of \(count) sites",
                count > 2 ? "write \((1 / Double(count)).rounded(places: 3)) or more" : "write median or mean")
        case .krum(let faulty, let chosen):
            guard faulty >= 0, chosen >= 1 else { break }
            if count < 2 * faulty + 3 {
                reading.fault(
                    at: path.key("krum").key("faulty"),
                    "is \(faulty), which needs \(2 * faulty + 3) sites in a round, and there are \(count)",
                    count < 3 ? "write mean" : "write \((count - 3) / 2) or less")
            } else if chosen > count - faulty {
                reading.fault(
                    at: path.key("krum").key("chosen"),
                    "is \(chosen) of \(count) sites, of which \(faulty) may be faulty",
                    "write \(count - faulty) or less")
            }
        }
    }

    private func checkWeights(_ reading: inout Reading) {
        guard case .given(let weights) = strategy.weighting.rule, let names = siteNames else { return }
        let path = "strategy.weights"
        for name in weights.keys.sorted() { checkName(name, at: path.key(name), "is for", &reading) }
        let missing = names.filter { weights[$0] == nil }
        if !missing.isEmpty {
            reading.fault(
                at: path, "has no weight for \(missing.joined(separator: ", "))", "give one for every site")
        }
        if strategy.aggregation != .mean {
            reading.fault(
                at: path, "has no effect: \(strategy.aggregation.node.text) counts sites alike", "leave it out")
        }
    }

    private func checkModalityWeights(_ reading: inout Reading) {
        guard let weights = strategy.weighting.groups else { return }
        let path = "strategy.modality_weights"
        if strategy.aggregation != .mean {
            reading.fault(
                at: path, "has no effect: \(strategy.aggregation.node.text) counts sites alike", "leave it out")
        }
        for site in sites {
            // A dataset may be written as a number, and its group by name.
            guard let modality = site.modality?.description,
                !weights.keys.contains(where: { $0 == modality || $0.hasSuffix("_" + modality) })
            else { continue }
            reading.fault(
                at: path, "has no weight for \(modality), which \(site.name) has",
                "give one, as in {\(modality): 0.5}")
        }
    }
}

extension Double {
    /// Rounded up.
    fileprivate func rounded(places: Int) -> String {
        let scale = [1.0, 10, 100, 1000][places]
        return ((self * scale).rounded(.up) / scale).scalar
    }
}
