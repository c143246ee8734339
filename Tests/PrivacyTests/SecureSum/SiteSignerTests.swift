import Crypto
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct SiteSignerTests {
    @Test func nothingIsTakenFromASiteWithoutAKey() async throws {
        let filter = try SecureSum(run: "test", verifier: SiteKeys([:]))
        await #expect(throws: PrivacyError.self) { _ = try await filter.answer(Data(), site: "a") }
        let (ed, p384) = (Curve25519.Signing.PrivateKey(), P384.Signing.PrivateKey())
        let keys = SiteKeys(["ed": .ed25519(ed.publicKey), "p384": .p384(p384.publicKey)])
        let message = Data("message".utf8)
        #expect(keys.isValid(try ed.sign(message), of: message, by: "ed"))
        #expect(keys.isValid(try p384.sign(message), of: message, by: "p384"))
        #expect(!keys.isValid(try ed.sign(message), of: message, by: "p384"))
        #expect(!keys.isValid(try ed.sign(message), of: Data(), by: "ed"))
        #expect(!keys.isValid(try ed.sign(message), of: message, by: "nobody"))
    }
}
