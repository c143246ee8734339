// swift-tools-version: 6.2
import PackageDescription

// This file is the architecture. A target exists because it fences in a heavy dependency, changes the language, or
// must build and test without its neighbours' dependencies; everything else is a folder. Arrows go one way.
//
// `scripts/setup` puts the native libraries that no package manager here provides under the package's folder:
// `.libtorch` (headers and libraries of libtorch) and `.blosc2` (header and static library of C-Blosc2).
let root = Context.packageDirectory

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "cohort",
    products: [
        .executable(name: "cohort", targets: ["cohort"]),
        // Built beside the executable and opened on first use, so that no target depends on it: whatever needs no
        // tensors starts in milliseconds and runs where there is no libtorch.
        .library(name: "CTorch", type: .dynamic, targets: ["CTorch"]),
    ],
    dependencies: [
        // The subcommands' arguments and help.
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        // The run file.
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        // The messages of Flower's protocol. Their code is generated once and committed: scripts/generate-protocol.
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        // SHA-256 of objects, P-384 signatures of calls.
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    ],
    targets: [
        // MARK: libtorch
        .target(name: "CTorchAPI"),
        .target(
            name: "CTorch",
            cxxSettings: [
                .headerSearchPath("../CTorchAPI/include"),
                .headerSearchPath("../../.libtorch/include"),
                .headerSearchPath("../../.libtorch/include/torch/csrc/api/include"),
            ],
            linkerSettings: [
                .unsafeFlags([
                    "-nostartfiles", "-static-stdlib",  // no Swift runtime in a C++ library
                    "-L\(root)/.libtorch/lib",
                    "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../../../.libtorch/lib",
                    "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/libtorch",
                ]),
                .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
            ]),
        .target(name: "Torch", dependencies: ["CTorchAPI"], swiftSettings: strict),

        // MARK: Medical images
        .systemLibrary(name: "CDeflate", providers: [.apt(["libdeflate-dev"])]),
        .target(name: "CPNG", linkerSettings: [.linkedLibrary("png")]),  // libpng-dev
        .systemLibrary(name: "CTIFF", providers: [.apt(["libtiff-dev"])]),
        .target(name: "Imaging", dependencies: ["CDeflate", "CPNG", "CTIFF"], swiftSettings: strict),

        // MARK: nnU-Net
        .systemLibrary(name: "CBlosc2"),
        .target(
            name: "NNUNet", dependencies: ["Imaging", "CDeflate", "CBlosc2"],
            swiftSettings: strict + [.unsafeFlags(["-I\(root)/.blosc2/include", "-Xcc", "-I\(root)/.blosc2/include"])],
            linkerSettings: [.unsafeFlags(["-L\(root)/.blosc2/lib"])]),
        .target(name: "Learning", dependencies: ["Federation", "Torch", "NNUNet", "Imaging"], swiftSettings: strict),

        // MARK: A federated run
        .target(name: "Federation", swiftSettings: strict),
        .systemLibrary(name: "CSyncFS"),
        .target(
            name: "Fleet",
            dependencies: [
                "Federation", "CSyncFS", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            exclude: ["Protocol/flwr"], swiftSettings: strict),
        .target(
            name: "Study",
            dependencies: ["Federation", "NNUNet", "Imaging", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),
        .executableTarget(
            name: "cohort",
            dependencies: [
                "Study", "Learning", "Torch", "Federation", "NNUNet", "Imaging",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // MARK: Benchmarks and tests
        .executableTarget(
            name: "kernel-benchmarks",
            dependencies: [
                "Learning", "Torch", "NNUNet", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Kernels", swiftSettings: strict),
        .executableTarget(
            name: "federation-benchmarks",
            dependencies: ["Federation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Benchmarks/Federation", swiftSettings: strict),
        .target(name: "SharedData", path: "Tests/SharedData", swiftSettings: strict),
        .testTarget(name: "TorchTests", dependencies: ["Torch"], swiftSettings: strict),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging", "SharedData"], swiftSettings: strict),
        .testTarget(name: "NNUNetTests", dependencies: ["NNUNet", "Imaging", "SharedData"], swiftSettings: strict),
        .testTarget(name: "FederationTests", dependencies: ["Federation"], swiftSettings: strict),
        .testTarget(
            name: "FleetTests",
            dependencies: [
                "Fleet", "Federation", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .testTarget(name: "StudyTests", dependencies: ["Study", "Federation", "NNUNet"], swiftSettings: strict),
        .testTarget(
            name: "SimulationTests", dependencies: ["Study", "Learning", "Federation", "Torch", "NNUNet", "Imaging"],
            swiftSettings: strict),
        .testTarget(name: "CommandTests", dependencies: ["NNUNet"], swiftSettings: strict),
        .testTarget(
            name: "LearningTests",
            dependencies: ["Learning", "Federation", "Torch", "NNUNet", "Imaging", "SharedData"],
            swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx20
)
