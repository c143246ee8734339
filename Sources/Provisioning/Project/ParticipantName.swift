/// The rules for names that become folders, certificates' common names and lines of logs.
package enum ParticipantName {
    /// X.509's upper bound of a common name and an organisation.
    static let longest = 64

    /// What is wrong with the name of a participant or a project; nil where nothing is.
    ///
    /// Letters and digits of ASCII and `. _ - @ +`, the first one a letter or digit, 1 to 64 of them: no such name leaves
    /// its folder, on any file system.
    static func fault(_ name: String) -> String? {
        if name.isEmpty { return "a name is empty; give it one" }
        if name.count > longest { return "the name \(shown(name)) is longer than \(longest) characters; shorten it" }
        func isPlain(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9": true
            default: false
            }
        }
        guard let first = name.unicodeScalars.first, isPlain(first) else {
            return "the name \(shown(name)) does not begin with a letter or digit; change it"
        }
        guard name.unicodeScalars.allSatisfy({ isPlain($0) || "._-@+".unicodeScalars.contains($0) }) else {
            return "the name \(shown(name)) has characters other than letters, digits and . _ - @ +; change it"
        }
        return nil
    }

    /// The same of a participant: a site's name is also that of a node in the fleet, which has no `@` and no `+`.
    static func fault(_ name: String, of kind: Participant.Kind) -> String? {
        if let fault = fault(name) { return fault }
        guard kind == .site, name.contains(where: { "@+".contains($0) }) else { return nil }
        return "the name \(shown(name)) of a site has @ or +; use letters, digits and . _ - alone"
    }

    package static func check(_ name: String) throws { try throwIfAny(fault(name)) }

    package static func check(_ name: String, of kind: Participant.Kind) throws {
        try throwIfAny(fault(name, of: kind))
    }

    private static func throwIfAny(_ fault: String?) throws {
        if let fault { throw ProvisioningError.name(fault.prefix(1).uppercased() + fault.dropFirst()) }
    }

    /// What is wrong with the name of an organisation, which is no folder: any text of 1 to 64 visible characters.
    static func organisationFault(_ name: String) -> String? {
        if name.isEmpty { return "an organisation is empty; give it a name" }
        if name.count > longest {
            return "the organisation \(shown(name)) is longer than \(longest) characters; shorten it"
        }
        guard name.unicodeScalars.allSatisfy({ !$0.isInvisible }) else {
            return "the organisation \(shown(name)) has control characters; remove them"
        }
        return nil
    }

    /// A name as errors show it: short, and without what could move a terminal's cursor.
    static func shown(_ name: String) -> String {
        let visible = name.prefix(80).unicodeScalars.map { $0.isInvisible ? "?" : String($0) }.joined()
        return "“\(visible)\(name.count > 80 ? "…" : "")”"
    }
}

extension Unicode.Scalar {
    fileprivate var isInvisible: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
