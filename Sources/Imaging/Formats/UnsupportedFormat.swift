#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Says of a file that is not read what it is, and what to do with it.
enum UnsupportedFormat {
    static func explain(_ url: URL) throws -> ImagingError {
        let name = url.lastPathComponent
        let bytes = try FileBytes.readRaw(url)
        if isDICOM(bytes) {
            return .unsupported(
                name, reason: "it is a DICOM file. Convert its series to NIfTI first, for example: dcm2niix -z y -o OUTPUT FOLDER")
        }
        if name.lowercased().hasSuffix(".mgz") || name.lowercased().hasSuffix(".mgh") {
            return .unsupported(name, reason: "it is a FreeSurfer MGH file. Convert it first: mri_convert IN.mgz OUT.nii.gz")
        }
        if NIfTI.recognises(bytes) { return .unsupported(name, reason: "it is a NIfTI file without its ending. Name it .nii (or .nii.gz).") }
        return .unsupported(name, reason: "its format is unknown. Supported: NIfTI (.nii, .nii.gz, .hdr/.img), MetaImage (.mha, .mhd), NRRD (.nrrd, .nhdr), PNG and TIFF.")
    }

    /// "DICM" behind a preamble of 128 bytes, or a data set that begins with group 2 or 8 without one.
    static func isDICOM(_ bytes: [UInt8]) -> Bool {
        if bytes.count >= 132, Array(bytes[128..<132]) == Array("DICM".utf8) { return true }
        guard bytes.count >= 16 else { return false }
        let little = bytes[1] == 0 && (bytes[0] == 2 || bytes[0] == 8) && bytes[3] == 0
        let big = bytes[0] == 0 && bytes[1] == 8 && bytes[2] == 0
        let representation = String(decoding: bytes[4..<6], as: UTF8.self)
        let isExplicit = ["UL", "UI", "CS", "OB", "DA", "TM", "LO", "SH"].contains(representation)
        let isImplicit = little && bytes[6] == 0 && bytes[7] == 0 && bytes[4] < 128
        return (little || big) && isExplicit || isImplicit
    }
}
