import Imaging
import Testing

@Suite struct LabellingTests {
    /// Two voxels that touch at a corner, two at an edge, one alone.
    static let mask: Volume<Bool> = {
        var mask = Volume(shape: [3, 4, 6], repeating: false)
        for voxel in [[0, 0, 0], [1, 1, 1], [0, 0, 3], [1, 1, 3], [2, 3, 5]] { mask[voxel] = true }
        return mask
    }()

    @Test func connectivities() {
        #expect(ConnectedComponents(of: Self.mask, connectivity: .faces).sizes == [1, 1, 1, 1, 1])
        #expect(ConnectedComponents(of: Self.mask, connectivity: .edges).sizes.sorted() == [1, 1, 1, 2])
        let corners = ConnectedComponents(of: Self.mask, connectivity: .corners)
        #expect(corners.sizes == [2, 2, 1])
        #expect(corners.labels[[1, 1, 1]] == 1 && corners.labels[[1, 1, 3]] == 2 && corners.labels[[2, 3, 5]] == 3)
        #expect(corners.largest == 1)
        #expect(ConnectedComponents(of: Volume(shape: [2, 2], repeating: false)).largest == nil)
    }

    /// Against a flood fill, on noise near the percolation threshold, where components wind most.
    @Test(arguments: [Connectivity.faces, .edges, .corners], [[1, 40, 40], [12, 13, 14]])
    func equalsFloodFill(connectivity: Connectivity, shape: [Int]) {
        var state: UInt64 = 42
        let mask = Volume(
            shape: shape,
            elements: (0..<shape.reduce(1, *)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return state >> 33 & 0xff < (connectivity == .faces ? 100 : 40)
            })
        let differing = connectivity == .faces ? 1 : connectivity == .edges ? 2 : 3
        var labels = Volume<Int32>(shape: shape, repeating: 0)
        var sizes: [Int] = []
        for z in 0..<shape[0] {
            for y in 0..<shape[1] {
                for x in 0..<shape[2] where mask[[z, y, x]] && labels[[z, y, x]] == 0 {
                    sizes.append(0)
                    var queue = [[z, y, x]]
                    labels[[z, y, x]] = Int32(sizes.count)
                    while let voxel = queue.popLast() {
                        sizes[sizes.count - 1] += 1
                        for step in 0..<27 {
                            let offset = [step / 9 - 1, step / 3 % 3 - 1, step % 3 - 1]
                            guard offset.map(abs).reduce(0, +) <= differing else { continue }
                            let next = zip(voxel, offset).map { $0 + $1 }
                            guard zip(next, shape).allSatisfy({ $0 >= 0 && $0 < $1 }), mask[next], labels[next] == 0
                            else { continue }
                            labels[next] = Int32(sizes.count)
                            queue.append(next)
                        }
                    }
                }
            }
        }
        let components = ConnectedComponents(of: mask, connectivity: connectivity)
        #expect(components.labels == labels)
        #expect(components.sizes == sizes)
    }

    /// Against the distance to every voxel of the mask, one after the other.
    @Test(arguments: [[1.0, 1, 1], [3, 0.7, 1.2]], [1, 3])
    func exactDistances(spacing: [Double], threads: Int) {
        let distances = EuclideanDistance.toNearest(of: Self.mask, spacing: spacing, threads: threads)
        for z in 0..<3 {
            for y in 0..<4 {
                for x in 0..<6 {
                    var nearest = Double.infinity
                    for voxel in [[0, 0, 0], [1, 1, 1], [0, 0, 3], [1, 1, 3], [2, 3, 5]] {
                        let squares = zip(zip(voxel, [z, y, x]), spacing).map { pair, step in
                            let distance = Double(pair.0 - pair.1) * step
                            return distance * distance
                        }
                        nearest = min(nearest, squares.reduce(0, +).squareRoot())
                    }
                    #expect(abs(Double(distances[[z, y, x]]) - nearest) < 1e-5)
                }
            }
        }
        let none = EuclideanDistance.toNearest(of: Volume(shape: [2, 2, 2], repeating: false), spacing: [1, 1, 1])
        #expect(none.elements.allSatisfy { $0 == .infinity })
    }

    /// DeepMind's `surface-distance` on two cuboids (spacing 3, 0.7, 1.2): values of its original.
    @Test func surfaces() {
        var reference = Volume(shape: [8, 20, 16], repeating: false)
        var prediction = reference
        for z in 2..<6 {
            for y in 4..<14 {
                for x in 3..<12 {
                    reference[[z, y, x]] = true
                    if z < 5 && (y - 9) * (y - 9) + (x - 8) * (x - 8) < 20 { prediction[[z, y, x]] = true }
                }
            }
        }
        let distances = SurfaceDistances(reference: reference, prediction: prediction, spacing: [3, 0.7, 1.2])
        #expect(abs(distances.hausdorff(percentile: 95) - 3.0805843601498726) < 1e-5)
        #expect(abs(distances.surfaceDice(tolerance: 1) - 0.5612550529233168) < 1e-6)
        let same = SurfaceDistances(reference: reference, prediction: reference, spacing: [3, 0.7, 1.2])
        #expect(same.hausdorff(percentile: 95) == 0 && same.surfaceDice(tolerance: 0) == 1)
        let empty = Volume(shape: reference.shape, repeating: false)
        let missed = SurfaceDistances(reference: reference, prediction: empty, spacing: [1, 1, 1])
        #expect(missed.hausdorff(percentile: 95) == .infinity && missed.surfaceDice(tolerance: 1) == 0)
        let neither = SurfaceDistances(reference: empty, prediction: empty, spacing: [1, 1, 1])
        #expect(neither.hausdorff(percentile: 95).isNaN && neither.surfaceDice(tolerance: 1).isNaN)
    }
}
