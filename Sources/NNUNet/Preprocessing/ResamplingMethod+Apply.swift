import Imaging

extension ResamplingMethod {
    /// The spacing ratio beyond which slices are resampled one by one.
    static let anisotropyThreshold = 3.0

    /// The axis whose slices are resampled one by one, if any.
    func separateAxis(from current: [Double], to target: [Double]) -> Int? {
        func coarsest(_ spacing: [Double]) -> Int? {
            let axes = spacing.indices.filter { spacing.max()! / spacing[$0] == 1 }
            return axes.count == 1 ? axes[0] : nil
        }
        func isAnisotropic(_ spacing: [Double]) -> Bool { spacing.max()! / spacing.min()! > Self.anisotropyThreshold }
        if let forced = forceSeparateZ { return forced ? coarsest(current) : nil }
        if isAnisotropic(current) { return coarsest(current) }
        return isAnisotropic(target) ? coarsest(target) : nil
    }

    /// Channels of numbers, shape (channel, axes…), each resampled alone.
    public func resample(
        _ data: Volume<Float>, to shape: [Int], from current: [Double], to target: [Double], threads: Int = 1
    ) throws -> Volume<Float> {
        guard Array(data.shape.dropFirst()) != shape, function != .none else { return data }
        let axis = separateAxis(from: current, to: target)
        let voxels = data.shape.dropFirst().reduce(1, *)
        var elements: [Float] = []
        elements.reserveCapacity(data.shape[0] * shape.reduce(1, *))
        for channel in 0..<data.shape[0] {
            let one = Volume(
                shape: Array(data.shape.dropFirst()),
                elements: Array(data.elements[channel * voxels..<(channel + 1) * voxels]))
            let order = function == .torch ? 1 : self.order
            if let axis {
                elements += try Resizing.sliceWise(one, to: shape, axis: axis, order: order, threads: threads).elements
            } else {
                elements += try Resizing.spline(one, to: shape, order: order, threads: threads).elements
            }
        }
        return Volume(shape: [data.shape[0]] + shape, elements: elements)
    }

    /// Labels, shape (1, axes…).
    public func resample(
        labels: Volume<Int16>, to shape: [Int], from current: [Double], to target: [Double], threads: Int = 1
    ) throws -> Volume<Int16> {
        guard Array(labels.shape.dropFirst()) != shape, function != .none else { return labels }
        let one = labels.reshaped(to: Array(labels.shape.dropFirst()))
        let resized =
            try separateAxis(from: current, to: target).map {
                try Resizing.sliceWiseLabels(one, to: shape, axis: $0, threads: threads)
            } ?? Resizing.labels(one, to: shape, threads: threads)
        return resized.reshaped(to: [1] + shape)
    }
}
