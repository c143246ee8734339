import Dispatch
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Elements of a tensor that are worked on at a time: what a core's cache holds with its double-precision sums.
let tileElements = 1 << 14

/// Calls `body` for every tile of every tensor, on all cores.
///
/// Tiles come in no order: what `body` writes must depend on the tile alone.
///
/// - Parameter body: gets the tensor's index, the tile's elements, and scratch for a tile of the widest type, its own.
func forEachTile(
    _ tensors: [TensorDescription], scratchTiles: Int = 1,
    _ body: (Int, Range<Int>, UnsafeMutableRawBufferPointer) throws -> Void
) throws {
    // Where each tensor's tiles begin among all.
    var starts: [Int] = []
    var count = 0
    for tensor in tensors {
        starts.append(count)
        count += (tensor.count + tileElements - 1) / tileElements
    }
    let next = Atomic(0)
    let failure = Mutex<(any Error)?>(nil)
    withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let body = body
        let (starts, count) = (starts, count)
        let workers = max(1, min(count, ProcessInfo.processInfo.activeProcessorCount))
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            let scratch = UnsafeMutableRawBufferPointer.allocate(
                byteCount: tileElements * 8 * scratchTiles, alignment: 64)
            defer { scratch.deallocate() }
            var tensor = 0
            while failure.withLock({ $0 == nil }) {
                let tile = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard tile < count else { return }
                // A worker's tiles ascend, so its tensor only moves on.
                while tensor + 1 < starts.count, starts[tensor + 1] <= tile { tensor += 1 }
                let first = (tile - starts[tensor]) * tileElements
                do {
                    try body(tensor, first..<min(first + tileElements, tensors[tensor].count), scratch)
                } catch {
                    failure.withLock { $0 = $0 ?? error }
                }
            }
        }
    }
    if let error = failure.withLock({ $0 }) { throw error }
}

/// The lowest of the numbers that several threads found.
final class LowestIndex: Sendable {
    private let value = Atomic(Int.max)

    func lower(to index: Int) { value.min(index, ordering: .relaxed) }
    var index: Int? {
        let lowest = value.load(ordering: .relaxed)
        return lowest == .max ? nil : lowest
    }
}
