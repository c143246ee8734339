/// Text from elsewhere, made fit to show: names and reasons that sites sent.
enum Plain {
    /// One line without control characters, which could move a terminal's cursor or hide what was written.
    static func line(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar -> Character in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format, .surrogate: " "
            default: Character(scalar)
            }
        }
        return String(scalars).split(separator: " ").joined(separator: " ")
    }

    /// Cuts the middle out of a long text: names of sites often differ in their ends.
    static func shortened(_ text: String, to length: Int) -> String {
        guard text.count > length else { return text }
        let tail = (length - 1) * 2 / 5
        return "\(text.prefix(length - 1 - tail))…\(text.suffix(tail))"
    }

    private static let fileEndings = [
        ".nii", ".gz", ".mha", ".mhd", ".nrrd", ".dcm", ".png", ".jpg", ".tif", ".tiff", ".npy", ".npz", ".b2nd",
        ".pkl",
        ".pth", ".pt", ".json", ".csv", ".yaml", ".h5", ".safetensors",
    ]

    /// A reason without paths and file names, which can name cases and patients: each becomes "[file]".
    static func withoutPaths(_ text: String) -> String {
        line(text).split(separator: " ").map { word in
            let edges: Set<Character> = [
                "\"", "'", "`", "(", ")", "[", "]", "<", ">", ",", ";", ":", ".", "“", "”", "=", "!",
            ]
            let start = word.firstIndex { !edges.contains($0) } ?? word.endIndex
            let end = word.lastIndex { !edges.contains($0) }.map { word.index(after: $0) } ?? start
            guard start < end else { return String(word) }
            let core = word[start..<end]
            return isPath(core.lowercased()) ? "\(word[..<start])[file]\(word[end...])" : String(word)
        }.joined(separator: " ")
    }

    private static func isPath(_ word: String) -> Bool {
        if word.contains("\\") || word.contains("://") || fileEndings.contains(where: word.hasSuffix) { return true }
        if word.hasPrefix("/") || word.hasPrefix("~") || word.hasPrefix("./") { return word.count > 1 }
        return word.count(where: { $0 == "/" }) > 1 || fileEndings.contains { word.contains($0 + ":") }
    }
}
