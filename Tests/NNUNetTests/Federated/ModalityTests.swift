import NNUNet
import Testing

struct ModalityTests {
    private func modality(_ channels: String..., stated: String? = nil) throws -> String {
        try Modality(channelNames: channels, stated: stated.map { try Modality(stated: $0) }, dataset: "Dataset005_X")
            .description
    }

    @Test(arguments: [
        ("CT", "CT"), ("ct", "CT"), ("ct_venous", "CT"), ("CTVenous", "CT"), ("lowDoseCT", "CT"), ("CTscan", "CT"),
        ("computed tomography", "CT"), ("CBCT", "CT"), ("MR", "MR"), ("MRI", "MR"), ("T1", "MR"), ("T1w", "MR"),
        ("T1Gd", "MR"), ("t1ce", "MR"), ("T2", "MR"), ("T2w", "MR"), ("FLAIR", "MR"), ("ADC", "MR"), ("ADCmap", "MR"),
        ("DWI_b800", "MR"), ("PD", "MR"), ("T1-weighted", "MR"), ("MagneticResonance", "MR"), ("T1w_4", "MR"),
        ("PET", "PET"), ("SUV", "PET"), ("FDG-PET", "PET"), ("US", "US"), ("Ultrasound", "US"), ("X-ray", "XR"),
        ("xray", "XR"), ("CR", "XR"), ("DX", "XR"), ("chestXRay", "XR"), ("computed radiography", "XR"),
        ("SPECT", "NM"), ("OCT", "OCT"), ("PETImage", "PET"),
    ]) func aChannelNamesItsModality(name: String, expected: String) throws {
        #expect(try modality(name) == expected)
    }

    /// Names that hold a modality's letters, but not as a word.
    @Test(arguments: [
        "product", "Product", "PRODUCT", "PROduct", "fraction", "tract", "doctor", "structure", "ctrl", "CTrl",
        "status", "focus", "bolus", "petrous", "carpet", "trust", "octopus", "umr", "mrx", "T3", "cross", "updated",
        "image", "channel0", "",
    ]) func otherWordsAreRefused(name: String) {
        let error = #expect(throws: NNUNetError.self) { try modality(name) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("Dataset005_X") && text.contains("no known modality") && text.contains("state"))
    }

    @Test func severalModalitiesAreJoinedInOrder() throws {
        #expect(try modality("PET", "CT") == "CT+PET")
        #expect(try modality("CT", "SUV") == "CT+PET")
        #expect(try modality("T1", "T2", "FLAIR") == "MR")
        #expect(try Modality(stated: "pet+ct") == Modality(channelNames: ["CT", "PET"], dataset: "x"))
    }

    @Test func normalisationsSayNothing() throws {
        for name in ["zscore", "noNorm", "nonorm", "rescale_to_0_1", "rgb_to_0_1", "zScore"] {
            let error = #expect(throws: NNUNetError.self) { try modality(name) }
            #expect(error.map { "\($0)".contains("nothing of the modality") } == true)
            #expect(try modality("T1", name) == "MR")
            #expect(try modality(name, stated: "US") == "US")
        }
    }

    @Test func whatIsStatedMustNotContradict() throws {
        #expect(try modality("image", stated: "MRI") == "MR")
        #expect(try modality("CT", stated: "CT") == "CT")
        #expect(try modality("CT", "image", stated: "CT+PET") == "CT+PET")
        #expect(try modality("PET-CT", stated: "PET") == "PET")
        for (channels, stated) in [
            (["CT"], "MR"), (["CT", "T1"], "CT"), (["CT"], "CT+PET"), (["CT", "CT"], "CT+PET"),
        ] {
            let error = #expect(throws: NNUNetError.self) {
                _ = try Modality(channelNames: channels, stated: Modality(stated: stated), dataset: "D")
            }
            #expect(error.map { "\($0)".contains("stated as \(stated)") } == true)
        }
    }

    @Test func oneChannelOfTwoModalitiesIsRefused() throws {
        let error = #expect(throws: NNUNetError.self) { try modality("PET/CT") }
        #expect(error.map { "\($0)".contains("CT and PET") } == true)
    }

    @Test(arguments: ["", "product", "CT+", "CT PET", "+"]) func whatIsStatedMustBeKnown(text: String) {
        #expect(throws: NNUNetError.self) { _ = try Modality(stated: text) }
    }
}
