#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RawDataset {
    /// The cases of imagesTs, with their labels where labelsTs has them; none where there is no imagesTs.
    public func testCases() throws -> [RawCase] {
        let images = folder.appending(path: "imagesTs")
        guard FileManager.default.fileExists(atPath: images.path) else { return [] }
        return try Self.cases(in: images, fileEnding: description.fileEnding).map { raw in
            let label = folder.appending(path: "labelsTs").appending(path: raw.identifier + description.fileEnding)
            return RawCase(
                identifier: raw.identifier, images: raw.images,
                label: FileManager.default.fileExists(atPath: label.path) ? label : nil)
        }
    }

    /// Puts the images of a case into a folder of another dataset, under nnU-Net's names.
    func place(_ raw: RawCase, in target: URL, _ placement: ImagePlacement) throws {
        for (channel, image) in raw.images.enumerated() {
            let digits = String(channel)
            let suffix = "_" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            try check(image, of: raw)
            try placement.place(image, at: target.appending(path: raw.identifier + suffix + description.fileEnding))
        }
    }

    /// Puts the label of a case into a folder of another dataset.
    func placeLabel(_ raw: RawCase, in target: URL, _ placement: ImagePlacement) throws {
        guard let label = raw.label else { throw NNUNetError.badCase(raw.identifier, reason: "it has no label") }
        try check(label, of: raw)
        try placement.place(label, at: target.appending(path: raw.identifier + description.fileEnding))
    }

    private func check(_ file: URL, of raw: RawCase) throws {
        guard file.lastPathComponent.hasSuffix(description.fileEnding) else {
            throw NNUNetError.badCase(
                raw.identifier,
                reason:
                    "\(file.lastPathComponent) does not end in \(description.fileEnding), as dataset.json says. Correct one of them."
            )
        }
    }
}
