import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct CanonicalEmbeddingTests {
    @Test func valuesAreThoseOfThePolynomial() {
        let n = 64
        var random = KeyStream(seed: 1)
        let coefficients = (0..<n).map { _ in Double.random(in: -1...1, using: &random) }
        let values = aligned(coefficients) { CanonicalEmbedding(degree: n).evaluate($0) }
        var found = Set<Int>()
        for slot in 0..<n / 2 {
            // Slots lie in some order: each must be the value at one ζ^(4k+1), and each of these must be there once.
            let places = (0..<n / 2).filter { k in
                var (re, im) = (0.0, 0.0)
                for (j, c) in coefficients.enumerated() {
                    let angle = Double.pi * Double((4 * k + 1) * j % (2 * n)) / Double(n)
                    (re, im) = (re + c * cos(angle), im + c * sin(angle))
                }
                return abs(re - values[slot]) < 1e-12 && abs(im - values[slot + n / 2]) < 1e-12
            }
            #expect(places.count == 1)
            found.formUnion(places)
        }
        #expect(found.count == n / 2)
    }

    @Test(arguments: [32, 256, 8192])
    func thereAndBackIsHalfTheDegree(n: Int) {
        var random = KeyStream(seed: 2)
        let numbers = (0..<n).map { _ in Double.random(in: -1...1, using: &random) }
        let embedding = CanonicalEmbedding(degree: n)
        let back = aligned(numbers) {
            embedding.interpolate($0)
            embedding.evaluate($0)
        }
        #expect(zip(back, numbers).allSatisfy { abs($0 / Double(n / 2) - $1) < 1e-13 })
    }

    private func aligned(_ numbers: [Double], _ body: (UnsafeMutablePointer<Double>) -> Void) -> [Double] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: numbers.count * 8, alignment: 64)
        defer { buffer.deallocate() }
        let pointer = buffer.bindMemory(to: Double.self).baseAddress!
        pointer.update(from: numbers, count: numbers.count)
        body(pointer)
        return Array(UnsafeBufferPointer(start: pointer, count: numbers.count))
    }
}
