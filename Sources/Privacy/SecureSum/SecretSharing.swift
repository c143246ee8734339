/// Shares of a secret of which a threshold tells it, and fewer tell nothing; Shamir 1979.
///
/// Byte by byte over GF(2⁸) with the polynomial of AES. The arithmetic takes the same time whatever the bytes are.
package enum SecretSharing {
    package struct Share: Equatable {
        /// Where the polynomials were evaluated: 1 to 255.
        package var point: UInt8
        package var bytes: [UInt8]

        package init(point: UInt8, bytes: [UInt8]) { (self.point, self.bytes) = (point, bytes) }
    }

    /// - Parameter count: of shares, at points 1, 2, …; at most 255.
    package static func split(
        _ secret: [UInt8], threshold: Int, into count: Int, using generator: inout some RandomNumberGenerator
    ) -> [Share] {
        precondition(threshold >= 1 && threshold <= count && count <= 255, "\(threshold) of \(count) shares")
        // Of every degree one coefficient for every byte.
        let coefficients =
            [secret] + (1..<threshold).map { _ in secret.map { _ in UInt8.random(in: 0...255, using: &generator) } }
        return (1...count).map { point in
            let x = UInt8(point)
            var bytes = [UInt8](repeating: 0, count: secret.count)
            for row in coefficients.reversed() {
                for i in bytes.indices { bytes[i] = product(bytes[i], x) ^ row[i] }
            }
            return Share(point: x, bytes: bytes)
        }
    }

    /// The secret, out of at least the threshold of its shares. Of fewer, or of wrong ones, comes something else.
    ///
    /// - Returns: nil where points are zero or double, or lengths differ.
    package static func combine(_ shares: [Share]) -> [UInt8]? {
        guard let length = shares.first?.bytes.count, shares.allSatisfy({ $0.bytes.count == length && $0.point != 0 }),
            Set(shares.map(\.point)).count == shares.count
        else { return nil }
        var secret = [UInt8](repeating: 0, count: length)
        for share in shares {
            // Lagrange's polynomial of this point, at zero.
            var weight: UInt8 = 1
            for other in shares where other.point != share.point {
                weight = product(weight, product(other.point, inverse(other.point ^ share.point)))
            }
            for i in secret.indices { secret[i] ^= product(weight, share.bytes[i]) }
        }
        return secret
    }

    package static func product(_ a: UInt8, _ b: UInt8) -> UInt8 {
        var (a, b, sum) = (a, b, UInt8(0))
        for _ in 0..<8 {
            sum ^= a & (0 &- (b & 1))
            a = (a << 1) ^ (0x1b & (0 &- (a >> 7)))
            b >>= 1
        }
        return sum
    }

    /// a²⁵⁴, which is 1/a; 0 of 0.
    package static func inverse(_ a: UInt8) -> UInt8 {
        var (power, result) = (a, UInt8(1))
        for _ in 0..<7 {
            power = product(power, power)
            result = product(result, power)
        }
        return result
    }
}
