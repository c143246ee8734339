#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How a server is reached: a name of the DNS, or an address.
package enum HostName: Hashable, Sendable {
    case name(String)
    /// 4 or 16 bytes, as a certificate holds them.
    case address([UInt8])

    /// nil where the text is neither.
    package init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self = .address(withUnsafeBytes(of: &four) { Array($0) })
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self = .address(withUnsafeBytes(of: &six) { Array($0) })
        } else {
            // Underscores are no host name's, yet compose files are full of them.
            let labels = text.split(separator: ".", omittingEmptySubsequences: false)
            let isValid = labels.allSatisfy { label in
                !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
                    && label.unicodeScalars.allSatisfy { scalar in
                        switch scalar {
                        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
                        default: false
                        }
                    }
            }
            guard isValid, !text.isEmpty, text.utf8.count <= 253 else { return nil }
            // Four numbers that are no address are a mistake.
            if labels.allSatisfy({ UInt($0) != nil }) { return nil }
            self = .name(text)
        }
    }
}
