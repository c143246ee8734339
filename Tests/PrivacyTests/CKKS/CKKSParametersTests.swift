import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct CKKSParametersTests {
    @Test func flaresAreAsItsProjectFilesHaveThem() throws {
        let text = #"{"degree":8192,"coefficientBits":[60,40,40],"scaleBits":40}"#
        #expect(try JSONDecoder().decode(CKKSParameters.self, from: Data(text.utf8)) == .flare)
        #expect(CKKSParameters.flare.dataPrimes == 2)
    }

    @Test(arguments: [
        (8192, [60, 60, 60, 60], 40), (4096, [60, 60], 40), (2048, [60], 40), (1000, [27], 10), (8192, [], 40),
        (8192, [60, 61], 40), (8192, [60], 50), (8192, [60, 40], 4),
    ])
    func whatIsNotSecureOrHoldsNothingIsRefused(degree: Int, bits: [Int], scale: Int) {
        #expect(throws: PrivacyError.self) {
            try CKKSParameters(degree: degree, coefficientBits: bits, scaleBits: scale)
        }
        let text = #"{"degree":\#(degree),"coefficientBits":\#(bits),"scaleBits":\#(scale)}"#
        #expect(throws: PrivacyError.self) { try JSONDecoder().decode(CKKSParameters.self, from: Data(text.utf8)) }
    }
}
