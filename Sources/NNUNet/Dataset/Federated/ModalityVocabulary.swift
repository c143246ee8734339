/// The words by which channels name their modality. Only whole words count: "product" holds no CT.
enum ModalityVocabulary {
    private static let words: [Modality.Kind: String] = [
        .computedTomography: "ct cta ctp cect ncct cbct ldct hrct",
        .magneticResonance: """
        mr mri mra mrs fmri t1 t1w t1wi t1gd t1c t1ce t1n t1post t1pre t1rho t2 t2w t2wi t2f t2star flair t2flair adc dwi \
        dti hbv pd pdw swi qsm asl dce lge stir mprage mp2rage ssfp bssfp dixon ktrans
        """,
        .positronEmission: "pet pt suv suvbw fdg psma dotatate",
        .singlePhotonEmission: "nm spect scintigraphy",
        .ultrasound: "us ultrasound sonography sonogram trus echocardiography echocardiogram",
        .xRay: "xr xray cxr cr dx dr rf xa dsa radiograph radiography fluoroscopy",
        .mammography: "mg mammography mammogram mammo ffdm dbt",
        .opticalCoherence: "oct octa",
        .photography: "photo photograph photography fundus dermoscopy",
        .endoscopy: "endoscopy colonoscopy laparoscopy gastroscopy",
        .microscopy: "microscopy histology histopathology wsi",
    ]
    private static let phrases: [(words: [String], kind: Modality.Kind)] = [
        (["computed", "tomography"], .computedTomography), (["computer", "tomography"], .computedTomography),
        (["magnetic", "resonance"], .magneticResonance), (["proton", "density"], .magneticResonance),
        (["positron", "emission"], .positronEmission), (["single", "photon"], .singlePhotonEmission),
        (["b", "mode"], .ultrasound), (["x", "ray"], .xRay), (["optical", "coherence"], .opticalCoherence),
    ]
    private static let kindOfWord = Dictionary(
        words.flatMap { kind, text in text.split(separator: " ").map { (String($0), kind) } },
        uniquingKeysWith: { first, _ in first })
    /// What people glue to a name: "ADCmap", "ctscan".
    private static let tails = ["weighted", "image", "img", "scan", "map", "volume", "vol"]

    /// nnU-Net's names that select a normalisation and say nothing else.
    static func isNormalisation(_ name: String) -> Bool {
        ["zscore", "nonorm", "rescale_to_0_1", "rgb_to_0_1"].contains(name.lowercased())
    }

    /// The modalities that a name speaks of; none where it is silent.
    static func kinds(in name: String) -> Set<Modality.Kind> {
        guard !isNormalisation(name) else { return [] }
        let tokens = name.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        let parts = tokens.flatMap(parts)
        var kinds = Set((tokens + parts).flatMap { stems(of: $0.lowercased()) }.compactMap { kindOfWord[$0] })
        let sequence = parts.map { $0.lowercased() }
        for phrase in phrases {
            let length = phrase.words.count
            guard sequence.count >= length else { continue }
            for start in 0...(sequence.count - length)
            where Array(sequence[start..<start + length]) == phrase.words { kinds.insert(phrase.kind) }
        }
        return kinds
    }

    private static func stems(of word: String) -> [String] {
        [word] + tails.filter { word.hasSuffix($0) }.map { String(word.dropLast($0.count)) }
    }

    /// Divides at a small letter before a capital ("lowDoseCT"), and before the last of several capitals where a small
    /// letter follows ("CTVenous"). A digit does not divide: "T1Gd" is one word.
    private static func parts(_ token: String) -> [String] {
        let letters = Array(token)
        var parts: [String] = []
        var part = ""
        for (index, letter) in letters.enumerated() {
            if index > 0, letter.isUppercase {
                let before = letters[index - 1]
                let isFollowedBySmall = index + 1 < letters.count && letters[index + 1].isLowercase
                if before.isLowercase || before.isUppercase && isFollowedBySmall {
                    parts.append(part)
                    part = ""
                }
            }
            part.append(letter)
        }
        return parts + [part]
    }
}
