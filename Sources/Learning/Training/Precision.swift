import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension TrainingSettings.Precision {
    /// What trains fastest without losing accuracy: float16 with a gradient scaler on CUDA, bfloat16 on a CPU that
    /// multiplies it in hardware (twice as fast as float32), float32 elsewhere.
    public static func trainingDefault(on device: Device) -> Self {
        device.isCUDA ? .float16 : cpuMultipliesBFloat16 ? .bfloat16 : .float32
    }

    /// What predicts fastest with the labels of float32.
    public static func predictionDefault(on device: Device) -> Self { trainingDefault(on: device) }

    /// The type to cast convolutions to; nil where nothing is cast.
    func autocastType(on device: Device) throws -> DType? {
        switch self {
        case .float32: return nil
        case .bfloat16: return .bfloat16
        case .float16:
            guard device.isCUDA else {
                throw LearningError.invalidSetting(
                    name: "--precision", value: "fp16", rule: "a CPU computes in bf16 or fp32")
            }
            return .float16
        }
    }

    /// Whether this CPU has instructions for products of bfloat16 (AVX-512 BF16 or AMX on x86, BF16 on Arm).
    public static let cpuMultipliesBFloat16: Bool = {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/cpuinfo")) else { return false }
        let text = String(decoding: data.prefix(16384), as: UTF8.self)
        return text.split(separator: "\n").first { $0.hasPrefix("flags") || $0.hasPrefix("Features") }?
            .split(separator: " ").contains { ["avx512_bf16", "amx_bf16", "bf16"].contains($0) } ?? false
    }()
}
