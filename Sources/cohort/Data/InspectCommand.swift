import ArgumentParser
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Say what a reader sees in an image file, or why it cannot read it.",
        discussion: """
            With --reader it is read as nnU-Net's reader of that name hands it over: channel, z, y, x.

            EXAMPLE
              cohort inspect imagesTr/case_0000.nii.gz
              cohort inspect --reader SimpleITKIO --npy case.npy imagesTr/case_0000.nii.gz
            """)

    @Argument(help: "Image files.") var files: [String]
    @Flag(help: "As JSON, one object a file.") var json = false
    @Option(
        help: ArgumentHelp(
            "Read as this reader of nnU-Net's does: "
                + ImageReaderWriter.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "name"))
    var reader: ImageReaderWriter?
    @Option(help: ArgumentHelp("Write the voxels to a NumPy file (needs --reader).", valueName: "file"))
    var npy: String?
    @Option(
        help: ArgumentHelp(
            "Write the voxels, taken for labels, with the reader's writer (needs --reader): shows whether a segmentation "
                + "comes back onto its image.", valueName: "file"))
    var rewrite: String?

    func validate() throws {
        guard npy != nil || rewrite != nil else { return }
        if reader == nil { throw ValidationError("--npy and --rewrite need --reader.") }
        if files.count != 1 { throw ValidationError("--npy and --rewrite take one file at a time.") }
    }

    func run() throws {
        var failures = 0
        for file in files {
            do {
                if let reader {
                    try inspect(URL(filePath: file), with: reader)
                } else {
                    let image = try StoredImage.read(URL(filePath: file))
                    print(json ? describedAsJSON(image, file) : described(image, file))
                }
            } catch {
                failures += 1
                StandardError.write("\(error)\n")
            }
        }
        if failures > 0 { throw ExitCode.failure }
    }

    private func inspect(_ file: URL, with reader: ImageReaderWriter) throws {
        let image = try reader.readImages([file])
        if let npy {
            try NPY.write(NumericArray(image.voxels.elements, shape: image.voxels.shape), to: URL(filePath: npy))
        }
        if let rewrite {
            let labels = image.voxels.elements.prefix(image.voxels.shape.dropFirst().reduce(1, *)).map {
                UInt16(exactly: $0)
            }
            guard !labels.contains(nil) else {
                throw ValidationError(
                    "--rewrite needs whole numbers from 0 to 65535: \(file.lastPathComponent) has others.")
            }
            try reader.writeSegmentation(
                Volume(shape: Array(image.voxels.shape.dropFirst()), elements: labels.map { $0! }),
                geometry: image.geometry, spacing: image.spacing, to: URL(filePath: rewrite))
        }
        if json {
            print(
                JSONValue.object(
                    JSONObject([
                        ("file", .string(file.path)), ("reader", .string(reader.rawValue)),
                        ("shape", JSONValue(image.voxels.shape)), ("spacing", JSONValue(image.spacing)),
                    ])
                ).serialised(indent: nil))
        } else {
            print(
                """
                \(file.path)
                  reader       \(reader.rawValue)
                  shape        \(image.voxels.shape.map(String.init).joined(separator: " × ")) (channel, z, y, x)
                  spacing      \(image.spacing.map { "\($0)" }.joined(separator: ", ")) (z, y, x)
                """)
        }
    }

    private func range(_ image: StoredImage) -> (low: Float, high: Float, sum: Double, hasNaN: Bool) {
        var (low, high, sum, hasNaN) = (Float.infinity, -Float.infinity, 0.0, false)
        for value in image.values {
            if value.isNaN {
                hasNaN = true
            } else {
                (low, high) = (min(low, value), max(high, value))
                sum += Double(value)
            }
        }
        return (low, high, sum, hasNaN)
    }

    private func described(_ image: StoredImage, _ file: String) -> String {
        let range = range(image)
        var lines = [
            file,
            "  format       \(image.format), \(image.pixelType.rawValue)"
                + (image.components > 1 ? ", \(image.components) numbers a voxel" : ""),
            "  shape        \(image.size.map(String.init).joined(separator: " × ")) (x first)",
            "  spacing      \(image.spacing.map { "\($0)" }.joined(separator: ", "))",
        ]
        if image.affine != nil || image.size.count == 3 {
            lines.append("  orientation  \(image.orientation ?? "–") (towards which the axes run)")
            lines.append("  origin       \(image.origin.map { "\($0)" }.joined(separator: ", ")) (LPS)")
        }
        lines.append("  range        \(range.low) … \(range.high)" + (range.hasNaN ? ", and NaN" : ""))
        if let refusal = image.refusal { lines.append("  note         \(refusal); NibabelIO reads it") }
        return lines.joined(separator: "\n")
    }

    private func describedAsJSON(_ image: StoredImage, _ file: String) -> String {
        let range = range(image)
        return JSONValue.object(
            JSONObject([
                ("file", .string(file)), ("format", .string(image.format)), ("type", .string(image.pixelType.rawValue)),
                ("size", JSONValue(image.size)), ("components", .integer(image.components)),
                ("spacing", JSONValue(image.spacing)),
                ("origin", JSONValue(image.origin)), ("direction", JSONValue(image.direction)),
                ("affine", image.affine.map { JSONValue($0) } ?? .null),
                ("refusal", image.refusal.map(JSONValue.string) ?? .null),
                ("min", .number(Double(range.low))), ("max", .number(Double(range.high))), ("sum", .number(range.sum)),
            ])
        ).serialised(indent: nil)
    }
}

extension ImageReaderWriter: ExpressibleByArgument {}
