/// All that a record's patches follow from.
struct RecordRecipe: Sendable {
    private let recipe: BatchRecipe
    private let groups: RecordGroups
    /// Seeds of the records, from their names alone.
    private let seeds: [UInt64]

    /// - Parameter recipe: of all cases; its batch size is the number of patches that a record gives.
    init(_ recipe: BatchRecipe, groups: RecordGroups) {
        self.recipe = recipe
        self.groups = groups
        seeds = groups.names.map { Self.seed(recipe.seed, $0) }
    }

    var records: [String] { groups.names }

    /// Each patch is of one of the record's cases, any as likely as another.
    func patches(of record: Int, step: Int, scratch: AugmentationScratch) throws -> TrainingBatch {
        try recipe.batch(scratch: scratch) { sample in
            var generator = Philox(seed: seeds[record], purpose: recipe.purpose, batch: step, sample: sample)
            let cases = groups.cases[record]
            return (cases[generator.integer(below: cases.count)], generator)
        }
    }

    /// FNV-1a over the name, and the finaliser of SplitMix64 with the seed.
    private static func seed(_ seed: UInt64, _ name: String) -> UInt64 {
        var hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } &+ seed
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        return hash ^ (hash >> 31)
    }
}
