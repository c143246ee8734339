/// Compares the datasets of sites aspect by aspect.
struct DatasetComparison {
    typealias Site = DatasetCompatibility.Site
    typealias Difference = DatasetCompatibility.Difference

    let sites: [Site]

    /// Which sites have which value, in the order in which values first occur.
    func groups<Value: Equatable>(_ value: (Site) -> Value) -> [(value: Value, sites: [String])] {
        var groups: [(value: Value, sites: [String])] = []
        for site in sites {
            let own = value(site)
            if let index = groups.firstIndex(where: { $0.value == own }) {
                groups[index].sites.append(site.name)
            } else {
                groups.append((own, [site.name]))
            }
        }
        return groups
    }

    /// "A and B: one; C: two".
    private func told<Value: Equatable>(
        _ groups: [(value: Value, sites: [String])], _ text: (Value) -> String
    ) -> String {
        groups.map { "\(Self.list($0.sites)): \(text($0.value))" }.joined(separator: "; ")
    }

    static func list(_ names: [String]) -> String {
        names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " and " + names.last!
    }

    private static func bracketed(_ values: [Int]) -> String {
        values.count == 1 ? "\(values[0])" : "[\(values.map(String.init).joined(separator: ", "))]"
    }

    // MARK: Images

    var dimensions: [Difference] {
        let groups = groups { site -> Bool in
            if let shapes = site.fingerprint?.shapesAfterCrop { return shapes.allSatisfy { $0.first == 1 } }
            return [".png", ".bmp"].contains(site.description.fileEnding.lowercased())
        }
        guard groups.count > 1 else { return [] }
        let text = told(groups) { $0 ? "flat images" : "spatial images" }
        return [Difference(aspect: .dimensions, text: "Dimensions differ. \(text).", consequence: .nothing)]
    }

    var modalities: [Difference] {
        let groups = groups(\.modality)
        guard groups.count > 1 else { return [] }
        return [
            Difference(
                aspect: .modality, text: "Modalities differ. \(told(groups, \.description)).",
                consequence: .backboneOnly)
        ]
    }

    var channels: [Difference] {
        let groups = groups { $0.description.channelNames.map(Self.folded) }
        guard groups.count > 1 else { return [] }
        let text = told(groups) { folded in
            let site = sites.first { $0.description.channelNames.map(Self.folded) == folded }!
            return site.description.channelNames.joined(separator: ", ")
        }
        let isReordered = Set(groups.map { $0.value.sorted() }).count == 1
        let fact =
            isReordered
            ? "Channels are the same in another order. \(text). Number channel_names and the files' endings (_0000, _0001, …) alike."
            : Set(groups.map(\.value.count)).count == 1
                ? "Channels have other names. \(text). \(otherNames)"
                : "The number of channels differs. \(text)."
        return [Difference(aspect: .channels, text: fact, consequence: .backboneOnly)]
    }

    /// What to do about names of channels that differ: those of one modality may well mean the same.
    private var otherNames: String {
        let names = sites.map { $0.description.channelNames.map(Self.folded) }
        let pairs = names[0].indices.compactMap { channel -> String? in
            let spellings = Set(names.map { $0[channel] })
            let kinds = Set(spellings.map { ModalityVocabulary.kinds(in: $0) })
            guard spellings.count > 1, kinds.count == 1, let kind = kinds.first, kind.count == 1 else { return nil }
            let told = groups { $0.description.channelNames[channel].trimmed }.map {
                "\"\($0.value)\" at \(Self.list($0.sites))"
            }
            return "Channel \(channel) is of one modality, \(kind.first!.rawValue), under other names: "
                + "\(told.joined(separator: ", "))."
        }
        return
            (pairs + [
                "Where they mean the same, name them alike: until then intensities are not merged, and input "
                    + "layers stay apart."
            ]).joined(separator: " ")
    }

    var fileEndings: [Difference] {
        let groups = groups { $0.description.fileEnding.lowercased() }
        guard groups.count > 1 else { return [] }
        let text = told(groups) { $0 }
        return [
            Difference(
                aspect: .fileEnding, text: "File endings differ. \(text). Each site reads its own.", consequence: .none)
        ]
    }

    /// By more than this factor along an axis, a common plan makes other images of a site's.
    static let notableSpacing = 1.5

    var spacings: [Difference] {
        let medians = sites.compactMap { site in site.spacing.map { (name: site.name, spacing: $0) } }
        let factor = (0..<3).map { axis in
            let values = medians.map { $0.spacing[axis] }
            guard let low = values.min(), let high = values.max(), low > 0 else { return 1.0 }
            return high / low
        }.max()!
        guard factor > Self.notableSpacing else { return [] }
        func rounded(_ value: Double, _ parts: Double) -> String { "\((value * parts).rounded() / parts)" }
        let text = medians.map { site in
            "\(site.name): \(site.spacing.map { rounded($0, 1000) }.joined(separator: " × "))"
        }
        return [
            Difference(
                aspect: .spacing,
                text: "Median spacings differ by up to a factor of \(rounded(factor, 10)) (mm, coarsest axis first). "
                    + "\(text.joined(separator: "; ")). A common plan resamples all cases to one spacing; a "
                    + "target_spacing of their own lets sites keep another.", consequence: .none)
        ]
    }

    // MARK: Labels

    static func folded(_ name: String) -> String { name.trimmed.lowercased() }

    var labels: [Difference] {
        func difference(_ text: String) -> Difference {
            Difference(aspect: .labels, text: text, consequence: .backboneOnly)
        }
        var differences: [Difference] = []
        for site in sites {
            let names = Dictionary(grouping: site.description.labels.map(\.name), by: Self.folded)
            for (_, equal) in names.sorted(by: { $0.key < $1.key }) where equal.count > 1 {
                differences.append(
                    difference(
                        "\(site.name) has labels that differ in case only: \(Self.list(equal)). Rename one of them."))
            }
        }
        var seen = Set<String>()
        for label in sites.flatMap(\.description.labels) where seen.insert(Self.folded(label.name)).inserted {
            func values(_ site: Site) -> [Int]? {
                site.description.labels.first { Self.folded($0.name) == Self.folded(label.name) }?.values.sorted()
            }
            let missing = sites.filter { values($0) == nil }.map(\.name)
            let having = sites.filter { values($0) != nil }.map(\.name)
            if !missing.isEmpty {
                differences.append(
                    difference(
                        "Label \"\(label.name)\" is in \(Self.list(having)), not in \(Self.list(missing)): harmonise the labels by intersection or union."
                    ))
            }
            let groups = groups(values).filter { $0.value != nil }
            if groups.count > 1 {
                let text = groups.map { "\(Self.bracketed($0.value!)) in \(Self.list($0.sites))" }
                differences.append(
                    difference(
                        "Label \"\(label.name)\" is \(text.joined(separator: ", ")): harmonise the labels."))
            }
        }
        return differences
    }

    /// Labels that some sites' cases were never searched for.
    var unannotated: [Difference] {
        sites.filter { !$0.description.unannotatedLabels.isEmpty }.map { site in
            Difference(
                aspect: .annotation,
                text:
                    "\(site.name) has not annotated \(Self.list(site.description.unannotatedLabels)): its loss takes that for one class with the background, and other sites teach it.",
                consequence: .none)
        }
    }

    /// Heads of regions stand in the order of the file.
    var regions: [Difference] {
        let regional = sites.map { site in site.description.labels.contains { $0.values.count > 1 } }
        guard regional.contains(true), labels.isEmpty else { return [] }
        let orders = groups { site in site.description.labels.map { Self.folded($0.name) }.filter { $0 != "background" }
        }
        let painted = groups { $0.description.regionsClassOrder ?? [] }
        var differences: [Difference] = []
        if orders.count > 1 {
            let text = told(orders) { $0.joined(separator: ", ") }
            differences.append(
                Difference(
                    aspect: .regions, text: "Regions stand in another order. \(text). Write labels in one order.",
                    consequence: .backboneOnly))
        } else if painted.count > 1 {
            let text = told(painted) { Self.bracketed($0) }
            differences.append(
                Difference(
                    aspect: .regions, text: "regions_class_order differs. \(text). Write the same.", consequence: .none)
            )
        }
        return differences
    }

    var ignoreLabels: [Difference] {
        let groups = groups { $0.description.ignoreLabel != nil }
        guard groups.count > 1 else { return [] }
        let text = told(groups) { $0 ? "an ignore label" : "none" }
        return [
            Difference(
                aspect: .ignoreLabel,
                text: "Ignore labels differ. \(text). Heads are the same; only the loss leaves such voxels out.",
                consequence: .none)
        ]
    }
}

extension String {
    /// Without the space around it.
    var trimmed: String { String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()) }
}
