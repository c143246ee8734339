import Foundation
import Imaging
import SharedData
import Testing

/// Odd and broken files from other programs' test suites: what is fine must read, and nothing may crash.
@Suite(.enabled(if: SharedData.url("data/reader_fixtures/catalog.csv") != nil, "reader fixtures are not here"))
struct ReaderFixtureTests {
    @Test func everyFileReadsOrSaysWhy() throws {
        let folder = SharedData.url("data/reader_fixtures")!
        let rows = try String(contentsOf: folder.appending(path: "catalog.csv"), encoding: .utf8).split(
            whereSeparator: \.isNewline
        ).dropFirst()
        var read = 0
        for row in rows {
            let path = String(row.prefix { $0 != "," })
            let url = folder.appending(path: path)
            guard FileManager.default.fileExists(atPath: url.path) else { continue }
            let isOK = row.hasSuffix(",ok") && !path.hasSuffix(".mgz")
            do {
                let image = try StoredImage.read(url)
                #expect(image.values.count == image.size.reduce(1, *) * image.components, "\(path)")
                read += 1
            } catch {
                #expect(error is ImagingError, "\(path): \(error)")
                #expect(!isOK, "\(path): \(error)")
                if path.contains("pydicom"), path.hasSuffix(".dcm") {
                    #expect(String(describing: error).contains("dcm2niix"), "\(path): \(error)")
                }
            }
        }
        #expect(read >= 25)
    }
}
