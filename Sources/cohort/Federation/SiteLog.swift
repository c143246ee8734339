import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A site's own log: what happened there in full, names of cases included. It stays at the site.
final class SiteLog: Sendable {
    private let path: String
    private let writing = Mutex(())

    init(_ url: URL) { path = url.path }

    func write(_ line: String) {
        writing.withLock { _ in
            let folder = URL(filePath: path).deletingLastPathComponent()
            try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            guard let file = fopen(path, "a") else { return }
            fputs(line + "\n", file)
            fclose(file)
        }
    }
}
