import Fleet
import Foundation
import Testing

@Suite struct AppBundleTests {
    /// Made with Python's zipfile, as `flwr build` does: a file of code, and pyproject.toml.
    static let content = [UInt8](
        Data(
            base64Encoded: """
                UEsDBBQAAAAIAAAAIQAAjMn1DQAAAAsAAAAYAAAAYXJpdGhtZXRpYy9jbGllbnRfYXBwLnB5SywoULBV8MvPS+UCAFBLAwQUAAAACAAA
                ACEAIoT5oawAAAAuAQAADgAAAHB5cHJvamVjdC50b21sZY7BDsIgDEDv/QrDXaJXE79kEsNYlSqjWDqNfy9zJsZ44PLea2nXT5SGdX1W
                xdGB4G0iwbrarzoTvYaYKJ+NgyXrfbhiHpr9SvtWBqArwhcM6iD7EefGC2kcUSkYuKNU4jzjrd3YjYEBaxAq+qGfoYNhjSgHM29U5mRP
                6SHWl+KgTH2i2uzcB44s+lfZwGPhjFmrg4rS/m309xq78GMTu/YMhERt4L9b+Ld7AVBLAQIUAxQAAAAIAAAAIQAAjMn1DQAAAAsAAAAY
                AAAAAAAAAAAAAACAAQAAAABhcml0aG1ldGljL2NsaWVudF9hcHAucHlQSwECFAMUAAAACAAAACEAIoT5oawAAAAuAQAADgAAAAAAAAAA
                AAAAgAFDAAAAcHlwcm9qZWN0LnRvbWxQSwUGAAAAAAIAAgCCAAAAGwEAAAAA
                """, options: .ignoreUnknownCharacters)!)

    @Test func aBundleSaysWhoseAppItIs() throws {
        let bundle = try AppBundle(Self.content)
        #expect(bundle.id == "cohort/arithmetic" && bundle.version == "1.0.0")
        #expect(bundle.hash == "837f5655e6f10476259a02903a2d063a4730cec78331ed57a1001aab6f3ed71c")
        let run = FleetRun(id: 3, bundle: bundle)
        #expect(run.fabID == bundle.id && run.fabVersion == bundle.version && run.fabHash == bundle.hash)
    }

    @Test func whatIsNoBundleIsRefused() {
        for length in 0..<Self.content.count {
            #expect(throws: FleetError.self) { try AppBundle(Array(Self.content[..<length])) }
        }
        #expect(throws: FleetError.self) { try AppBundle([UInt8](repeating: 0, count: FleetRun.largestFAB + 1)) }
    }

    @Test func noByteOfABundleCanDoHarm() {
        for index in Self.content.indices {
            for bit in 0..<8 {
                var content = Self.content
                content[index] ^= 1 << bit
                do {
                    // Whatever is read, it is no path.
                    let bundle = try AppBundle(content)
                    #expect(bundle.id.split(separator: "/").count == 2 && !bundle.version.contains("/"))
                } catch {
                    #expect(error is FleetError)
                }
            }
        }
    }
}
