import Imaging
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RawDataset {
    /// The median spacing of the training images in millimetres, the coarsest axis first, whatever axis that is in a file.
    ///
    /// Headers alone are read: a thousand cases take well under a second.
    /// - Throws: `NNUNetError.badCase` where an image cannot be read.
    public func medianSpacing(threads: Int = defaultThreads) throws -> [Double] {
        let reader = try imageReaderWriter()
        let found = Mutex([[Double]](repeating: [], count: cases.count))
        try concurrently(cases.count, threads: threads) { index in
            let item = cases[index]
            let spacing: [Double]
            do { spacing = try item.images.first.map(reader.spacing) ?? [] } catch {
                throw NNUNetError.badCase(item.identifier, reason: "its image cannot be read: \(error)")
            }
            guard spacing.count == 3 else {
                throw NNUNetError.badCase(item.identifier, reason: "its image has \(spacing.count) axes, not three")
            }
            found.withLock { $0[index] = spacing.sorted(by: >) }
        }
        let spacings = found.withLock { $0 }
        return (0..<3).map { axis in quantile(spacings.map { $0[axis] }, 0.5) }
    }
}
