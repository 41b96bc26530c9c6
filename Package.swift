// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with: strict concurrency comes with language mode 6, the rest makes
/// borders between modules explicit.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

/// A target of one ring. `Sources/README.md` has the table; `Tests/ArchitectureTests` enforces it.
func part(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// Shell text compiled into the module, so that a built binary needs no checkout beside it.
let localServicesScripts: [Resource] = [
    .embedInCode("Scripts/supervise.sh"),
    .embedInCode("Scripts/enter-root.sh"),
    .embedInCode("Scripts/timescaledb-root.sh"),
]

let package = Package(
    name: "millrace",
    platforms: [.macOS(.v26)],
    products: [],
    dependencies: [
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    ],
    targets: [
        // Ring 0: C libraries, module maps only.
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CPostgres"),
        .systemLibrary(name: "CZlib"),
        .target(name: "CPlatform"),

        // Ring 1: values and decisions.
        part("Records"),
        part("RecordCodec", ["Records"]),
        part("IngestCore", ["Records"]),
        part("MarketSimulator", ["Records"]),

        // Ring 2: the only code that blocks or holds a C pointer.
        part("BlockingExecutor", ["CPlatform"]),
        part("Waitpoints"),
        part("RedisWire", ["Records", "CHiredis"]),
        part("PostgresWire", ["Records", "CPostgres"]),

        // Ring 3: meaning on top of the wires.
        part("RedisStreams", ["Records", "IngestCore", "RedisWire"]),
        part("PostgresCopy", ["Records", "IngestCore", "RecordCodec", "PostgresWire", "Waitpoints"]),
        part("Maintenance", ["PostgresWire"]),
        part("Migrations", ["PostgresWire"], resources: [.embedInCode("sql"), .embedInCode("catalog.txt")]),

        // Ring 4: the flow.
        part(
            "IngestPipeline",
            [
                "Records", "RecordCodec", "IngestCore", "BlockingExecutor", "RedisWire", "PostgresWire", "RedisStreams",
                "PostgresCopy", "Maintenance", "Waitpoints", .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),

        // Ring 5: what a program is composed of.
        part(
            "Settings", ["RecordCodec", .product(name: "Yams", package: "Yams")],
            resources: [.embedInCode("millrace.yaml")]),
        part(
            "Telemetry",
            [
                "Records", .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        part(
            "AdminHTTP",
            [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        part("RecordFiles", ["Records", "CZlib"]),

        part(
            "WorkerApp",
            [
                "AdminHTTP", "BlockingExecutor", "IngestCore", "IngestPipeline", "Migrations", "PostgresWire",
                "RecordCodec", "RedisWire", "Settings", "Telemetry", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),

        // Ring 6: the command and the kits.
        .executableTarget(
            name: "millrace",
            dependencies: [
                "BlockingExecutor", "Records", "RecordCodec", "RecordFiles", "MarketSimulator", "RedisWire",
                "RedisStreams", "IngestCore", "PostgresCopy",
                "PostgresWire", "Maintenance", "Migrations", "Settings", "Telemetry", "IngestPipeline", "WorkerApp",
                "LocalServices",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        part("LocalServices", ["CPlatform"], resources: localServicesScripts),
        part("IngestTesting", ["Records", "IngestCore", "PostgresWire", "Migrations", "LocalServices"]),

        tests("RecordsTests", ["Records"]),
        tests("RecordCodecTests", ["RecordCodec", "Records"]),
        tests("IngestCoreTests", ["IngestCore", "Records"]),
        tests("SimulationTests", ["IngestTesting", "IngestCore", "Records"]),
        tests("BlockingExecutorTests", ["BlockingExecutor"]),
        tests("WaitpointsTests", ["Waitpoints"]),
        tests("RedisWireTests", ["RedisWire", "Records", "LocalServices", "IngestTesting"]),
        tests(
            "RedisStreamsTests",
            ["RedisStreams", "RedisWire", "Records", "IngestCore", "LocalServices", "IngestTesting"]),
        tests("PostgresWireTests", ["PostgresWire", "Records", "LocalServices", "IngestTesting"]),
        tests(
            "PostgresCopyTests",
            [
                "PostgresCopy", "PostgresWire", "Migrations", "RecordCodec", "Records", "IngestCore", "LocalServices",
                "IngestTesting",
            ]),
        tests(
            "MaintenanceTests",
            ["Maintenance", "Migrations", "PostgresWire", "LocalServices", "IngestTesting"]),
        tests("MigrationsTests", ["Migrations", "PostgresWire", "LocalServices", "IngestTesting"]),
        tests(
            "IngestPipelineTests",
            [
                "IngestPipeline", "IngestCore", "Records", "RecordCodec", "RedisWire", "RedisStreams", "PostgresWire",
                "PostgresCopy", "Migrations", "LocalServices", "IngestTesting",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests("ArchitectureTests", []),
        tests("LocalServicesTests", ["LocalServices", "IngestTesting"]),
        tests("RecordFilesTests", ["RecordFiles", "Records", "CZlib"]),
        tests(
            "TelemetryTests",
            [
                "Telemetry", .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "AdminHTTPTests",
            [
                "AdminHTTP", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        tests(
            "CommandTests",
            ["millrace", "IngestTesting", "LocalServices", "RedisWire", "PostgresWire", "Migrations", "Records"]),
        tests(
            "EndToEndTests",
            [
                "millrace", "IngestTesting", "LocalServices", "MarketSimulator", "RedisWire", "PostgresWire",
                "Maintenance", "Migrations",
                "Records",
            ]),
        tests(
            "DocsTests",
            [
                "millrace", "IngestCore", "IngestTesting", "LocalServices", "RecordFiles", "Settings", "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        tests("SettingsTests", ["Settings", "RecordCodec", "Records", "RecordFiles", "MarketSimulator"]),
        tests("MarketSimulatorTests", ["MarketSimulator", "Records"]),
    ],
    swiftLanguageModes: [.v6]
)
