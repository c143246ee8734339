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
        discussion: "EXAMPLE\n  cohort inspect imagesTr/case_0000.nii.gz")

    @Argument(help: "Image files.") var files: [String]
    @Flag(help: "As JSON, one object a file.") var json = false

    func run() throws {
        var failures = 0
        for file in files {
            do {
                let image = try StoredImage.read(URL(filePath: file))
                print(json ? describedAsJSON(image, file) : described(image, file))
            } catch {
                failures += 1
                StandardError.write("\(error)\n")
            }
        }
        if failures > 0 { throw ExitCode.failure }
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
