import Imaging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Synthetic patients: a body with organs of smooth, individual shape, seen by scanners that differ. For trying a set-up
/// before any real patient is touched.
public struct Phantom: Sendable {
    public enum Modality: String, Sendable, CaseIterable { case mr = "MR", ct = "CT" }

    public var modality: Modality
    /// Organs, and thereby labels above 0.
    public var labels: Int
    /// Voxels along (z, y, x) of the first scanner.
    public var size: [Int]
    /// Millimetres along (z, y, x) of the first scanner.
    public var spacing: [Double]
    /// Scanners differ in contrast, noise, bias field and spacing.
    public var scanners: Int
    public var channels: Int
    public var seed: UInt64

    public init(
        modality: Modality = .mr, labels: Int = 2, size: [Int] = [40, 48, 44], spacing: [Double] = [1.5, 1, 1],
        scanners: Int = 2,
        channels: Int = 1, seed: UInt64 = 1
    ) throws {
        guard (1...20).contains(labels), (1...50).contains(scanners), (1...8).contains(channels) else {
            throw NNUNetError.plan("A phantom has 1 to 20 labels, 1 to 50 scanners and 1 to 8 channels.")
        }
        guard size.count == 3, size.allSatisfy({ (8...1024).contains($0) }), spacing.count == 3,
            spacing.allSatisfy({ $0 > 0 && $0.isFinite })
        else {
            throw NNUNetError.plan("A phantom's size is three numbers from 8 to 1024, its spacing three above 0.")
        }
        self.modality = modality
        self.labels = labels
        self.size = size
        self.spacing = spacing
        self.scanners = scanners
        self.channels = channels
        self.seed = seed
    }

    /// One synthetic patient: a volume per channel, and labels, each (z, y, x).
    public struct Patient: Sendable {
        public var images: [Volume<Float>]
        public var labels: Volume<UInt16>
        public var spacing: [Double]
    }

    /// The patient of a number; the same number gives the same patient.
    public func patient(_ number: Int) -> Patient {
        var random = SplitMix64(seed: seed &* 0x9e37_79b9 &+ UInt64(number) &+ 1)
        let scanner = number % scanners
        var scannerRandom = SplitMix64(seed: seed &* 0x85eb_ca6b &+ UInt64(scanner) &+ 77)
        let zoom = scanner == 0 ? 1 : scannerRandom.uniform(0.8, 1.25)
        let spacing = zip(self.spacing, [zoom, 1, 1]).map { $0 * $1 }
        let size = zip(self.size, [zoom, 1, 1]).map { max(8, Int((Double($0) / $1).rounded())) }

        let body = Organ.body(&random)
        let organs = (0..<labels).map { Organ.placed($0, of: labels, &random) }
        let voxels = size.reduce(1, *)
        var labelValues = [UInt16](repeating: 0, count: voxels)
        var inside = [Bool](repeating: false, count: voxels)
        var index = 0
        for z in 0..<size[0] {
            for y in 0..<size[1] {
                for x in 0..<size[2] {
                    let place = (
                        2 * (Double(z) + 0.5) / Double(size[0]) - 1, 2 * (Double(y) + 0.5) / Double(size[1]) - 1,
                        2 * (Double(x) + 0.5) / Double(size[2]) - 1
                    )
                    if body.contains(place) {
                        inside[index] = true
                        for (label, organ) in organs.enumerated() where organ.contains(place) {
                            labelValues[index] = UInt16(label + 1)
                        }
                    }
                    index += 1
                }
            }
        }
        let images = (0..<channels).map { channel in
            image(labelValues, inside, size, channel: channel, scanner: &scannerRandom, &random)
        }
        return Patient(images: images, labels: Volume(shape: size, elements: labelValues), spacing: spacing)
    }

    // MARK: Intensities

    private func image(
        _ labels: [UInt16], _ inside: [Bool], _ size: [Int], channel: Int, scanner: inout SplitMix64,
        _ random: inout SplitMix64
    ) -> Volume<Float> {
        // Tissue values belong to the modality and channel; contrast, noise and bias to the scanner.
        var tissues = SplitMix64(seed: seed &* 31 &+ UInt64(channel) &+ 5)
        let isCT = modality == .ct
        let base: Double = isCT ? 40 : 100
        var organs: [Double] = []
        for label in 0..<self.labels {
            let contrast: Double = (isCT ? 60 : 55) * Double(label + 1) / Double(self.labels)
            let side: Double = label % 2 == 0 ? 1 : -1
            organs.append(base + contrast * side + tissues.uniform(-6, 6))
        }
        let gain: Double = isCT ? 1 : scanner.uniform(0.8, 1.6)
        let noise: Double = isCT ? scanner.uniform(10, 22) : scanner.uniform(6, 14)
        let slope: [Double] = isCT ? [0, 0, 0] : (0..<3).map { _ in scanner.uniform(-0.2, 0.2) }
        let texture = Texture(&random)
        var values = [Float](repeating: 0, count: labels.count)
        var index = 0
        for z in 0..<size[0] {
            for y in 0..<size[1] {
                for x in 0..<size[2] {
                    let place = (Double(z) / Double(size[0]), Double(y) / Double(size[1]), Double(x) / Double(size[2]))
                    let label = Int(labels[index])
                    let air: Double = isCT ? -1000 : 0
                    let tissue: Double = !inside[index] ? air : label > 0 ? organs[label - 1] : base
                    var value = tissue
                    if inside[index] { value += texture.value(place) * (isCT ? 12 : 9) }
                    value += random.normal() * (inside[index] || isCT ? noise : noise / 4)
                    var bias = 1.0
                    bias += slope[0] * (place.0 - 0.5)
                    bias += slope[1] * (place.1 - 0.5)
                    bias += slope[2] * (place.2 - 0.5)
                    value *= gain * bias
                    values[index] = Float(isCT ? max(-1024, value.rounded()) : max(0, value))
                    index += 1
                }
            }
        }
        // What a scanner records is not sharper than its voxels: one pass of smoothing along each axis.
        return Volume(shape: size, elements: Self.smoothed(values, size, rounds: isCT))
    }

    private static func smoothed(_ values: [Float], _ size: [Int], rounds: Bool) -> [Float] {
        var current = values
        let strides = [size[1] * size[2], size[2], 1]
        for axis in 0..<3 {
            var next = current
            for i in current.indices {
                let position = i / strides[axis] % size[axis]
                let before = position > 0 ? current[i - strides[axis]] : current[i]
                let after = position < size[axis] - 1 ? current[i + strides[axis]] : current[i]
                next[i] = 0.2 * before + 0.6 * current[i] + 0.2 * after
            }
            current = next
        }
        return rounds ? current.map { $0.rounded() } : current
    }

    // MARK: Shapes

    /// An ellipsoid whose surface is waved by a few smooth bumps, in coordinates from −1 to 1.
    private struct Organ {
        var centre: (Double, Double, Double)
        var radii: (Double, Double, Double)
        var rotation: Double
        var bumps: [(direction: (Double, Double, Double), height: Double)]

        static func body(_ random: inout SplitMix64) -> Organ {
            Organ(
                centre: (0, random.uniform(-0.03, 0.03), random.uniform(-0.03, 0.03)),
                radii: (1.6, random.uniform(0.82, 0.92), random.uniform(0.82, 0.92)), rotation: 0,
                bumps: bumps(0.04, &random))
        }

        static func placed(_ index: Int, of count: Int, _ random: inout SplitMix64) -> Organ {
            let angle = 2 * Double.pi * (Double(index) + 0.25) / Double(count)
            let distance = count == 1 ? 0.1 : 0.4
            let size = count <= 3 ? 0.3 : 0.9 / Double(count)
            return Organ(
                centre: (
                    random.uniform(-0.15, 0.15), distance * sin(angle) + random.uniform(-0.08, 0.08),
                    distance * cos(angle) + random.uniform(-0.08, 0.08)
                ),
                radii: (
                    size * random.uniform(1.2, 1.8), size * random.uniform(0.75, 1.15),
                    size * random.uniform(0.75, 1.15)
                ),
                rotation: random.uniform(-0.6, 0.6), bumps: bumps(0.16, &random))
        }

        private static func bumps(_ height: Double, _ random: inout SplitMix64) -> [(
            direction: (Double, Double, Double), height: Double
        )] {
            (0..<5).map { _ in
                let d = (random.normal(), random.normal(), random.normal())
                let length = max(1e-6, (d.0 * d.0 + d.1 * d.1 + d.2 * d.2).squareRoot())
                return ((d.0 / length, d.1 / length, d.2 / length), random.uniform(-height, height))
            }
        }

        func contains(_ place: (Double, Double, Double)) -> Bool {
            let (dz, dy, dx) = (place.0 - centre.0, place.1 - centre.1, place.2 - centre.2)
            let p = (
                dz / radii.0, (cos(rotation) * dy - sin(rotation) * dx) / radii.1,
                (sin(rotation) * dy + cos(rotation) * dx) / radii.2
            )
            let distance = (p.0 * p.0 + p.1 * p.1 + p.2 * p.2).squareRoot()
            if distance > 1.6 { return false }
            guard distance > 1e-9 else { return true }
            var radius = 1.0
            for bump in bumps {
                let cosine = (p.0 * bump.direction.0 + p.1 * bump.direction.1 + p.2 * bump.direction.2) / distance
                if cosine > 0 { radius += bump.height * cosine * cosine * cosine }
            }
            return distance < radius
        }
    }

    /// Smooth variation inside tissue: a few waves.
    private struct Texture {
        let waves: [(k: (Double, Double, Double), phase: Double)]

        init(_ random: inout SplitMix64) {
            waves = (0..<4).map { _ in
                ((random.uniform(-9, 9), random.uniform(-9, 9), random.uniform(-9, 9)), random.uniform(0, 2 * .pi))
            }
        }

        func value(_ place: (Double, Double, Double)) -> Double {
            waves.reduce(0) { $0 + sin($1.k.0 * place.0 + $1.k.1 * place.1 + $1.k.2 * place.2 + $1.phase) } / 2
        }
    }
}

/// A small generator for synthetic data: Steele, Lea and Flood 2014, doi 10.1145/2714064.2660195.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    mutating func uniform(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * Double(next() >> 11) * 0x1p-53
    }

    mutating func normal() -> Double {
        (-2 * log(uniform(1e-12, 1))).squareRoot() * cos(2 * .pi * uniform(0, 1))
    }
}
