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
        // The run file and the project file.
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        // The HTTPS server of the wire: HTTP/1.1 on SwiftNIO, with a connection's identity. Without its own configuration.
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        // TLS 1.3 on both ends, and the certificates of a connection.
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        // Buffers, channels and event loops, which the three others speak in.
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        // The sites' HTTPS client: streams both ways, pools connections, passes proxies.
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        // The server's and the client's own log, which the two libraries take.
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        // Certificates and requests for them: X.509 as types, checked by RFC 5280.
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        // What swift-certificates leaves to its users: names, extensions of our own, encrypted keys.
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        // Keys on P-384 and their signatures, digests, and passphrases made into keys.
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        // The messages of Flower's protocol. Their code is generated once and committed: scripts/generate-protocol.
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        // Tables of a server's runs and refusals, on SQLite.
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
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
        .target(
            name: "Study",
            dependencies: ["Federation", "Privacy", "NNUNet", "Imaging", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),

        // What was done, as tables to be queried; libsqlite3-dev.
        .target(
            name: "Catalog", dependencies: ["Study", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),

        // MARK: The network
        .systemLibrary(name: "CLinux"),
        .target(
            name: "Fleet",
            dependencies: [
                "Federation", "CLinux", "CDeflate",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Protocol/flwr"], swiftSettings: strict),

        // MARK: Privacy
        .target(
            name: "Privacy",
            dependencies: [
                "Federation", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: strict),

        // MARK: Who takes part
        .target(
            name: "Provisioning",
            dependencies: [
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),

        .executableTarget(
            name: "cohort",
            dependencies: [
                "Study", "Catalog", "Fleet", "Provisioning", "Privacy", "Learning", "Torch", "Federation", "NNUNet",
                "Imaging",
                .product(name: "Crypto", package: "swift-crypto"),
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
        .executableTarget(
            name: "privacy-benchmarks",
            dependencies: [
                "Privacy", "Federation", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Privacy", swiftSettings: strict),
        // Both ends of the wire with a learner of arithmetic: for interoperation, for chaos, and for what a round costs.
        .executableTarget(
            name: "fleet-peer",
            dependencies: [
                "Fleet", "Federation", "Provisioning", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/FleetPeer", swiftSettings: strict),
        // Runs of fleet-peer's processes under faults.
        .executableTarget(
            name: "fleet-chaos",
            dependencies: [
                "Federation", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/FleetChaos", swiftSettings: strict),
        // One filter of Privacy's on a file of tensors: beside other programs' filters, and for timing.
        .executableTarget(
            name: "privacy-peer", dependencies: ["Privacy", "Federation"], path: "Benchmarks/PrivacyPeer",
            swiftSettings: strict),
        .target(name: "SharedData", path: "Tests/SharedData", swiftSettings: strict),
        .testTarget(name: "TorchTests", dependencies: ["Torch"], swiftSettings: strict),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging", "SharedData"], swiftSettings: strict),
        .testTarget(name: "NNUNetTests", dependencies: ["NNUNet", "Imaging", "SharedData"], swiftSettings: strict),
        // Toy sites, and the suite that every way to a site must pass.
        .target(
            name: "FederationTesting", dependencies: ["Federation"], path: "Tests/FederationTesting",
            swiftSettings: strict),
        .testTarget(
            name: "FederationTests", dependencies: ["Federation", "FederationTesting"], swiftSettings: strict),
        .testTarget(
            name: "FleetTests",
            dependencies: [
                "Fleet", "Federation", "FederationTesting", "fleet-peer", "fleet-chaos",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(name: "CatalogTests", dependencies: ["Catalog", "Study"], swiftSettings: strict),
        .testTarget(
            name: "StudyTests", dependencies: ["Study", "Federation", "Privacy", "NNUNet"], swiftSettings: strict),
        .testTarget(
            name: "PrivacyTests",
            dependencies: [
                "Privacy", "Federation", "FederationTesting", "SharedData",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ProvisioningTests",
            dependencies: [
                "Provisioning", "SharedData", .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"), .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Study", "Privacy", "Learning", "Federation", "Torch", "NNUNet", "Imaging"],
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "Federation", "NNUNet", "Fleet", "Provisioning", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LearningTests",
            dependencies: ["Learning", "Privacy", "Federation", "Torch", "NNUNet", "Imaging", "SharedData"],
            swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx20
)
