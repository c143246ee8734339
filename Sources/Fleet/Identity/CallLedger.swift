import Crypto

/// Which signed calls there were: a signature serves for one call, and for its exact repeat.
///
/// A call is known by key, time, method and body. Calls of the Fleet protocol are answered alike when they are made
/// twice, so a repeat is simply carried out again. Memory is bounded: entries go when their signatures are too old, and
/// where there are too many of them, new calls are refused rather than old ones forgotten.
public struct CallLedger: Sendable {
    /// The most calls that are remembered: of all keys, and of one.
    public struct Limits: Sendable {
        public var all: Int
        public var perKey: Int

        public init(all: Int = 1 << 18, perKey: Int = 1 << 16) { (self.all, self.perKey) = (all, perKey) }
    }

    private struct Entry {
        /// What was asked.
        var call: ObjectID
        var key: ObjectID
        var expiresAt: Double
    }

    private let limits: Limits
    private var entries: [ObjectID: Entry] = [:]
    /// In the order in which they came, which is nearly that in which they end.
    private var order: [ObjectID] = []
    private var oldest = 0
    private var counts: [ObjectID: Int] = [:]

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Lets a call through that is new, or the exact repeat of one that was.
    ///
    /// - Parameters:
    ///   - body: SHA-256 of the call's body.
    ///   - now: seconds since 1970.
    /// - Returns: whether it is a repeat.
    /// - Throws: `FleetFailure`: 401 where the signature served for another call, 503 where there are too many.
    @discardableResult
    public mutating func admit(
        _ signature: CallSignature, _ method: FleetMethod, body: SHA256.Digest, now: Double
    ) throws(FleetFailure) -> Bool {
        forget(now)
        let key = Self.digest("key", signature.key.pem)
        let use = Self.digest(signature.key.pem, signature.timestamp)
        let call = Self.digest(method.rawValue, ObjectID(body).description)
        if let entry = entries[use] {
            guard entry.call == call else { throw FleetFailure.notAuthenticated }
            return true
        }
        guard entries.count < limits.all, counts[key, default: 0] < limits.perKey else {
            throw FleetFailure.busy
        }
        // As long as any signature of this moment could be taken, on the server's clock.
        let length = CallSignature.window.upperBound - CallSignature.window.lowerBound
        entries[use] = Entry(call: call, key: key, expiresAt: now + length)
        order.append(use)
        counts[key, default: 0] += 1
        return false
    }

    private mutating func forget(_ now: Double) {
        while oldest < order.count, let entry = entries[order[oldest]], entry.expiresAt <= now {
            entries[order[oldest]] = nil
            counts[entry.key]! -= 1
            if counts[entry.key] == 0 { counts[entry.key] = nil }
            oldest += 1
        }
        if oldest > 1024, oldest * 2 > order.count {
            order.removeFirst(oldest)
            oldest = 0
        }
    }

    private static func digest(_ a: String, _ b: String) -> ObjectID {
        var hash = SHA256()
        hash.update(data: Array(a.utf8))
        hash.update(data: [0])
        hash.update(data: Array(b.utf8))
        return ObjectID(hash.finalize())
    }
}
