import ArgumentParser
import Privacy

/// The number-theoretic transform of one polynomial modulo one prime.
struct Transform: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ntt")
    @Option var degree = 8192
    @Option(help: "Of the prime.") var bits = 60
    @Option(help: "Measurements, each of 100 transforms, of which the median is shown.") var runs = 21

    func run() throws {
        let modulus = try NTTPrimes.largest(1, bits: bits, degree: degree)[0]
        let ntt = NegacyclicNTT(degree: degree, modulus: modulus)
        var random = KeyStream(seed: 1)
        var values = (0..<degree).map { _ in random.next() % modulus }
        let before = values
        var (forward, inverse): ([Double], [Double]) = ([], [])
        for _ in 0..<runs {
            values.withUnsafeMutableBufferPointer { values in
                forward.append(seconds { for _ in 0..<100 { ntt.forward(values) } })
                inverse.append(seconds { for _ in 0..<100 { ntt.inverse(values) } })
            }
        }
        precondition(values == before, "what went there did not come back")
        print("forward", median(forward) * 1e4, "µs, inverse", median(inverse) * 1e4, "µs")
    }
}

/// The primes of a chain of bit sizes, one a line.
struct Primes: ParsableCommand {
    @Option var degree = 8192
    @Argument var bits: [Int]

    func run() throws { for prime in try NTTPrimes.chain(bits: bits, degree: degree) { print(prime) } }
}
