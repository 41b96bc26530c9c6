public import LocalServices

/// The servers of a test process: one Redis and one PostgreSQL that all tests share, started when the first asks, and
/// stopped and removed when the process ends.
///
/// A server that cannot be had throws, with a sentence that says what to install: such a test fails, it never skips.
public actor TestServices {
    public static let shared = TestServices()

    private var started: Task<LocalServices, any Error>?
    private var databaseCount = 0

    private init() {}

    /// The address of a fresh database (superuser) with the timescaledb extension where it can be had.
    public func database() async throws -> String {
        let postgres = try await self.postgres()
        return postgres.url(database: try await freshDatabase(on: postgres))
    }

    /// The shared PostgreSQL. Stopping it is forbidden: use `privatePostgres()`.
    public func postgres() async throws -> LocalPostgres {
        try await services().postgres
    }

    /// The shared Redis. Use keys of your own; for FLUSHALL, kills and limits use `privateRedis()`.
    public func redis() async throws -> LocalRedis {
        try await services().redis
    }

    /// Makes a fresh database on `postgres` and returns its name.
    public func freshDatabase(on postgres: LocalPostgres) async throws -> String {
        databaseCount += 1
        let name = "test_\(databaseCount)"
        try await postgres.createDatabase(named: name)
        return name
    }

    /// A Redis of the caller's own, to kill and restart. The caller stops it.
    public func privateRedis(_ options: RedisOptions = RedisOptions(fsync: .always)) async throws -> LocalRedis {
        try await LocalRedis.startTemporary(options: options)
    }

    /// A PostgreSQL of the caller's own, to kill and restart. The caller stops it.
    public func privatePostgres(settings: [String: String] = [:]) async throws -> LocalPostgres {
        try await LocalPostgres.startTemporary(settings: Self.settings.merging(settings) { $1 })
    }

    /// No schedulers of TimescaleDB: one would sit in every test database.
    private static let settings = ["timescaledb.max_background_workers": "0"]

    private func services() async throws -> LocalServices {
        if let started { return try await started.value }
        let start = Task { try await LocalServices.start(postgres: Self.settings) }
        started = start
        return try await start.value
    }
}
