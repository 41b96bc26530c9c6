/// Which of the package's own modules each target may import: the rings of `Sources/README.md`, as data.
enum DependencyTable {
    static let rings: [(ring: Int, targets: [String: Set<String>])] = [
        (0, ["CHiredis": [], "CPostgres": [], "CZlib": [], "CPlatform": []]),
        (
            1,
            [
                "Records": [],
                "RecordCodec": ["Records"],
                "IngestCore": ["Records"],
                "MarketSimulator": ["Records"],
            ]
        ),
        (
            2,
            [
                "BlockingExecutor": ["CPlatform"],
                "Waitpoints": [],
                "RedisWire": ["Records", "CHiredis"],
                "PostgresWire": ["Records", "CPostgres"],
            ]
        ),
        (
            3,
            [
                "RedisStreams": ["Records", "IngestCore", "RedisWire"],
                "PostgresCopy": ["Records", "IngestCore", "RecordCodec", "PostgresWire", "Waitpoints"],
                "Maintenance": ["PostgresWire"],
                "Migrations": ["PostgresWire"],
            ]
        ),
        (
            4,
            [
                "IngestPipeline": [
                    "Records", "RecordCodec", "IngestCore", "BlockingExecutor", "RedisWire", "PostgresWire",
                    "RedisStreams", "PostgresCopy", "Maintenance", "Waitpoints",
                ]
            ]
        ),
    ]

    /// Entry points, composition and kits may import whatever lies further in; nothing further in may import them.
    static let outer: Set<String> = [
        "Settings", "Telemetry", "AdminHTTP", "RecordFiles", "WorkerApp", "LocalServices", "IngestTesting",
        "millrace",
    ]

    static var inner: [String: Set<String>] {
        rings.reduce(into: [:]) { table, ring in table.merge(ring.targets) { first, _ in first } }
    }

    static var own: Set<String> { outer.union(inner.keys) }

    static func ring(of target: String) -> Int? { rings.first { $0.targets[target] != nil }?.ring }
}
