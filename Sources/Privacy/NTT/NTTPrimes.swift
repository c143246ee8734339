/// Primes q ≡ 1 modulo 2N: those for which a polynomial of degree N has a number-theoretic transform.
public enum NTTPrimes {
    /// The largest primes of a bit size, descending.
    ///
    /// - Throws: `PrivacyError.setting` where there are not so many.
    public static func largest(_ count: Int, bits: Int, degree: Int) throws -> [UInt64] {
        guard (1...61).contains(bits), degree > 0, degree.nonzeroBitCount == 1, degree < 1 << 30 else {
            throw PrivacyError.setting(
                "Primes of \(bits) bits for degree \(degree) cannot be looked for: take 20 to 61 bits.")
        }
        let step = UInt64(2 * degree)
        let (top, bottom) = ((1 as UInt64) << UInt64(bits), (1 as UInt64) << UInt64(bits - 1))
        var primes: [UInt64] = []
        var candidate = (top - 1) / step * step + 1
        while primes.count < count, candidate > bottom {
            if isPrime(candidate) { primes.append(candidate) }
            candidate -= min(step, candidate)
        }
        guard primes.count == count else {
            throw PrivacyError.setting(
                "There are only \(primes.count) primes of \(bits) bits for degree \(degree), not \(count): take more bits."
            )
        }
        return primes
    }

    /// The primes of a chain of bit sizes, as SEAL 4's `CoeffModulus::Create` gives them: among several of one size the
    /// smallest comes first.
    ///
    /// - Throws: `PrivacyError.setting`.
    public static func chain(bits: [Int], degree: Int) throws -> [UInt64] {
        var primes: [Int: [UInt64]] = [:]
        for size in Set(bits) {
            primes[size] = try largest(bits.count(where: { $0 == size }), bits: size, degree: degree)
        }
        return bits.map { primes[$0]!.removeLast() }
    }

    /// By Miller and Rabin's test with the first twelve primes, which errs for no number of 64 bits (Sorenson and Webster
    /// 2017).
    public static func isPrime(_ number: UInt64) -> Bool {
        let bases: [UInt64] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37]
        if number < 2 { return false }
        for base in bases where number % base == 0 { return number == base }
        let twos = (number - 1).trailingZeroBitCount
        let odd = (number - 1) >> UInt64(twos)
        func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
            number.dividingFullWidth(a.multipliedFullWidth(by: b)).remainder
        }
        func isWitness(_ base: UInt64) -> Bool {
            var (x, square, exponent) = (1 as UInt64, base, odd)
            while exponent > 0 {
                if exponent & 1 == 1 { x = multiply(x, square) }
                square = multiply(square, square)
                exponent >>= 1
            }
            if x == 1 || x == number - 1 { return false }
            for _ in 1..<max(twos, 1) {
                x = multiply(x, x)
                if x == number - 1 { return false }
            }
            return true
        }
        return !bases.contains(where: isWitness)
    }
}
