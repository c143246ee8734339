import Federation
import Imaging
import NNUNet
import Torch

/// A network slid over whole images: tiles, mirrored copies, and their weighted mean.
///
/// Sums are kept in float32 (nnU-Net keeps half precision). Holds tensors, so it belongs to one thread.
public final class SlidingWindowInference {
    public let patchSize: [Int]
    /// Axes of the patch to mirror; nil for no test-time augmentation.
    public let mirrorAxes: [Int]?
    public let stepSize: Double
    private let network: UNet
    private let sumsOnDevice: Bool
    private let device: Device
    private let autocastType: DType?
    private let importance: Tensor
    /// Tiles that go through the network together: small ones keep all cores busy only in company.
    private let tilesPerBatch: Int

    public init(
        network: UNet, patchSize: [Int], mirrorAxes: [Int]?, stepSize: Double = 0.5,
        precision: TrainingSettings.Precision, sumsOnDevice: Bool = true, device: Device
    ) throws {
        self.network = network
        self.patchSize = patchSize
        self.mirrorAxes = mirrorAxes
        self.stepSize = stepSize
        self.sumsOnDevice = sumsOnDevice
        self.device = device
        autocastType = try precision.autocastType(on: device)
        importance = try Tensor(GaussianImportance.map(patchSize: patchSize), on: device)
        let voxels = patchSize.reduce(1, *)
        tilesPerBatch = max(1, min(32, (device.isCUDA ? 1 << 20 : 1 << 17) / max(1, voxels)))
    }

    /// Logits of a preprocessed image.
    ///
    /// - Parameters:
    ///   - image: shape (channel, axes of the plan…).
    ///   - networks: parameter sets to average over (folds); nil for the network as it is.
    ///   - didTile: called after every batch of tiles with the tiles done and their total; may throw to stop.
    /// - Returns: shape (head, axes of the plan…), in float32.
    public func logits(
        of image: Volume<Float>, averagedOver folds: [Weights] = [], didTile: (Int, Int) throws -> Void = { _, _ in }
    ) throws -> Volume<Float> {
        guard image.rank == patchSize.count + 1 || image.rank == patchSize.count + 2 else {
            throw LearningError.patchDoesNotFit(patch: patchSize, image: Array(image.shape.dropFirst()))
        }
        let window = try SlidingWindow(
            imageShape: Array(image.shape.dropFirst()), patchSize: patchSize, stepSize: stepSize)
        return try noGrad {
            let padded = try padded(image, window)
            var total: Tensor?
            for fold in 0..<max(1, folds.count) {
                if !folds.isEmpty { try network.parameters.assign(folds[fold], from: "fold \(fold)") }
                let sum = try slide(over: padded, window) {
                    try didTile(fold * window.tileCount + $0, max(1, folds.count) * window.tileCount)
                }
                if let total { try total.add_(sum) } else { total = sum }
            }
            guard var result = total else { throw LearningError.noCases(folder: "the ensemble") }
            if folds.count > 1 { try result.mul_(1 / Double(folds.count)) }
            for axis in window.imageShape.indices where window.paddedShape[axis] != window.imageShape[axis] {
                result = try result.narrowed(
                    axis + 1, from: window.paddingBefore[axis], count: window.imageShape[axis])
            }
            return try result.volume()
        }
    }

    private func padded(_ image: Volume<Float>, _ window: SlidingWindow) throws -> Tensor {
        let tensor = try Tensor(image)
        guard window.paddedShape != window.imageShape else { return tensor }
        var amounts: [Int] = []
        for axis in window.imageShape.indices.reversed() {
            let before = window.paddingBefore[axis]
            amounts += [before, window.paddedShape[axis] - window.imageShape[axis] - before]
        }
        return try call("aten::constant_pad_nd", "", .tensor(tensor), .ints(amounts), .double(0))
    }

    /// Mean over tiles, with the sums on the device, or on the CPU where the device has no room for them.
    private func slide(over image: Tensor, _ window: SlidingWindow, _ didTile: (Int) throws -> Void) throws -> Tensor {
        guard device.isCUDA, sumsOnDevice else { return try slide(over: image, window, sumsOn: .cpu, didTile) }
        do {
            return try slide(over: image, window, sumsOn: device, didTile)
        } catch TorchError.outOfMemory {
            return try slide(over: image, window, sumsOn: .cpu, didTile)
        }
    }

    private func slide(
        over image: Tensor, _ window: SlidingWindow, sumsOn sumDevice: Device, _ didTile: (Int) throws -> Void
    ) throws -> Tensor {
        let tiles = window.tiles
        // 2D patches lie in one slice: the slice axis is dropped for the network and put back for the sums.
        let slices = window.tileShape.count - patchSize.count
        if tiles.count == 1 {
            // One tile: every weight cancels.
            let prediction = try predict(cut(image, tiles[0], window, slices).unsqueezed(0).to(device)).to(.cpu)
            try didTile(1)
            let single = try prediction.squeezed(0)
            return slices == 0 ? single : try single.unsqueezed(1)
        }
        let sums = try Tensor.zeros([network.outputChannels] + window.paddedShape, on: sumDevice)
        let weights = try Tensor.zeros([1] + window.paddedShape, on: sumDevice)
        let importance = try self.importance.to(sumDevice)
        var done = 0
        while done < tiles.count {
            let group = tiles[done..<min(done + tilesPerBatch, tiles.count)]
            let batch = try Tensor.stacked(try group.map { try cut(image, $0, window, slices) }, dim: 0).to(device)
            let weighted = try predict(batch).to(sumDevice) * importance
            for (index, tile) in group.enumerated() {
                let prediction = try weighted.narrowed(0, from: index, count: 1).squeezed(0)
                try view(sums, tile, window, slices).add_(prediction)
                try view(weights, tile, window, slices).add_(importance.unsqueezed(0))
            }
            done += group.count
            try didTile(done)
        }
        return try (sums / weights).to(.cpu)
    }

    private func cut(_ image: Tensor, _ tile: [Int], _ window: SlidingWindow, _ slices: Int) throws -> Tensor {
        try view(image, tile, window, slices).contiguous()
    }

    /// The part of a (channel, axes…) tensor under a tile, without the slice axis of a 2D patch.
    private func view(_ tensor: Tensor, _ tile: [Int], _ window: SlidingWindow, _ slices: Int) throws -> Tensor {
        var part = tensor
        for axis in tile.indices {
            part = try part.narrowed(axis + 1, from: tile[axis], count: window.tileShape[axis])
        }
        return slices == 0 ? part : try part.squeezed(1)
    }

    /// The mean over mirrored copies, in float32.
    private func predict(_ batch: Tensor) throws -> Tensor {
        let mirrorings = SlidingWindow.mirrorings(of: mirrorAxes)
        var sum: Tensor?
        for axes in mirrorings {
            let dims = axes.map { $0 + 2 }
            let input = dims.isEmpty ? batch : try batch.flipped(dims)
            var output = try autocast(autocastType, on: device) { try network(input)[0] }.to(.float32)
            if !dims.isEmpty { output = try output.flipped(dims) }
            if let sum { try sum.add_(output) } else { sum = output }
        }
        guard let sum else { throw LearningError.noCases(folder: "the mirrorings") }
        if mirrorings.count > 1 { try sum.mul_(1 / Double(mirrorings.count)) }
        return sum
    }
}
